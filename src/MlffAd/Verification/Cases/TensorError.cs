namespace MlffAd.Verification;

/// <summary>How far a recomputed tensor or number is from its reference.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Error">The error, in the measure of its kind.</param>
/// <param name="Tolerance">The largest error it may have; infinite if it is not judged.</param>
public sealed record TensorError(string Name, double Error, double Tolerance)
{
    /// <summary>Error over tolerance: 1 is the limit.</summary>
    public double Share => Error == 0 || !IsJudged && double.IsFinite(Error) ? 0 : Error / Tolerance;

    /// <summary>Whether there is a tolerance.</summary>
    public bool IsJudged => double.IsFinite(Tolerance);

    /// <summary>Whether it is within its tolerance.</summary>
    public bool IsWithin => double.IsFinite(Error) && Error <= Tolerance;
}
