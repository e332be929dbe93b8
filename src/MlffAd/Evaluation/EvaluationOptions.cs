namespace MlffAd.Evaluation;

/// <summary>The two computations of per-region overlap (spec §9).</summary>
public enum ProMethod
{
    /// <summary>The benchmark's own: all distinct scores, one false-positive rate over all images.</summary>
    Mvtec,

    /// <summary>The variant behind much of the literature's tables, per image on a smoothed map.</summary>
    Rd4ad,
}

/// <summary>What an evaluation computes, and at which size.</summary>
/// <param name="Side">S, the network's image side.</param>
/// <param name="Pro">Which per-region overlap.</param>
/// <param name="ProLimit">The false-positive rate up to which it is integrated, in (0, 1].</param>
/// <param name="OriginalResolution">Pixel metrics at each photograph's own size instead of S×S.</param>
public sealed record EvaluationOptions(int Side, ProMethod Pro = ProMethod.Mvtec, double ProLimit = 0.3,
    bool OriginalResolution = false);
