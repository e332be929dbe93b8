namespace MlffAd.Autograd;

/// <summary>What was computed, in order, and how each step passes the gradient from its results to its operands. Knows no operator.</summary>
/// <remarks>Backward walks from the end. Where it comes to the place a value was made, everyone who used the value came later and has been
/// passed, so value and gradient are freed there. Steps whose results no loss depends on are skipped.</remarks>
public sealed class Tape
{
    private readonly List<(Value? Made, Value[] Results, Action? Backward)> _steps = [];

    /// <summary>Takes over a value that was just made.</summary>
    public void Own(Value made) => _steps.Add((made, [], null));

    /// <summary>Writes a step down.</summary>
    /// <param name="results">What it wrote.</param>
    /// <param name="backward">Reads the results' gradients, adds to the operands'.</param>
    public void Record(Value[] results, Action backward) => _steps.Add((null, results, backward));

    /// <summary>Passes the gradients that the last results hold down to the first operands, frees everything on the way, and ends empty.</summary>
    public void Backward() => Unwind(differentiate: true);

    /// <summary>Frees everything without differentiating.</summary>
    public void Clear() => Unwind(differentiate: false);

    private void Unwind(bool differentiate)
    {
        for (int i = _steps.Count - 1; i >= 0; i--)
        {
            var (made, results, backward) = _steps[i];
            if (differentiate && Array.Exists(results, value => value.HasGradient)) backward!();
            made?.Free();
        }
        _steps.Clear();
    }
}
