using System.Text.Json.Serialization;

namespace MlffAd.Models;

/// <summary>What made a model: no date and no host, so that its bytes depend on its inputs alone.</summary>
/// <param name="Epochs">Whole epochs done.</param>
/// <param name="Images">Training images seen, repetitions counted.</param>
/// <param name="Seed">Seed of everything random.</param>
/// <param name="Weights">Where the backbone's weights came from; "random" if from nowhere.</param>
/// <param name="Losses">Means over the last whole epoch, or before its end over what is done; null
/// before the first step.</param>
public sealed record TrainingRecord(int Epochs, long Images, long Seed, string Weights, FinalLosses? Losses)
{
    /// <summary>Photographs that a network was trained on; null for a memory and for models of earlier
    /// versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Photographs { get; init; }

    /// <summary>The mean total loss over the last fifth of the steps as a share of that over the fifth before; null
    /// where there were few steps, for a memory and for models of earlier versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LossTrend { get; init; }
}

/// <summary>The loss and its three terms, unweighted (spec §7).</summary>
/// <param name="Total">αL_f + βL_s + ξL_fs.</param>
/// <param name="Lf">L_f.</param>
/// <param name="Ls">L_s.</param>
/// <param name="Lfs">L_fs.</param>
public sealed record FinalLosses(double Total, double Lf, double Ls, double Lfs);

/// <summary>A training image, by what a resumed run must find again.</summary>
/// <param name="Path">Relative to the training folder, with forward slashes.</param>
/// <param name="Sha256">SHA-256 of the file, lower-case hexadecimal.</param>
public sealed record TrainingFile(string Path, string Sha256);
