namespace MlffAd.Data;

/// <summary>Counts a data set's unusable images and ends the work where there are more than
/// <c>--max-bad</c> allows.</summary>
/// <param name="images">How many images there are.</param>
/// <param name="maxBad">Largest share that may be unusable.</param>
internal sealed class Rejects(int images, double maxBad)
{
    private readonly List<MlffAdException> _errors = [];

    /// <summary>What is wrong with each, in the order in which they were met.</summary>
    public IReadOnlyList<MlffAdException> Errors => _errors;

    /// <summary>Counts one more.</summary>
    /// <exception cref="MlffAdException">It is one too many (exit code 3).</exception>
    public void Add(MlffAdException error)
    {
        _errors.Add(error);
        if (_errors.Count > maxBad * images)
            throw new MlffAdException(ExitCode.BadData, _errors.Count == 1
                ? $"{error.Message} Mend or remove it, or raise --max-bad."
                : $"{_errors.Count} of {images} images are unusable, more than --max-bad allows; the first: "
                    + $"{_errors[0].Message}", _errors[0]);
    }
}
