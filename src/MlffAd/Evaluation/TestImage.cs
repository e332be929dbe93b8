namespace MlffAd.Evaluation;

/// <summary>A test image and what the network says of it.</summary>
/// <param name="Path">Where it lies, as it should be shown.</param>
/// <param name="Kind">Its folder's name; <see cref="Good"/> is the normal kind.</param>
/// <param name="Score">Its image score.</param>
/// <param name="Cells">Its score map as the network gives it, M×M.</param>
/// <param name="Width">Columns of the photograph.</param>
/// <param name="Height">Rows of the photograph.</param>
/// <param name="Mask">1 where the defect is, 0 elsewhere, row-major, at the size of evaluation (S×S, or the
/// photograph's own); null where there is no mask.</param>
public sealed record TestImage(string Path, string Kind, float Score, ScoreMap Cells, int Width, int Height,
    byte[]? Mask)
{
    /// <summary>The kind that is not a defect.</summary>
    public const string Good = "good";

    /// <summary>True for every kind but <see cref="Good"/>.</summary>
    public bool IsDefective => Kind != Good;
}
