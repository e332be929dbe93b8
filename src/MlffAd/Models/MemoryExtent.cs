using System.Text.Json.Serialization;

namespace MlffAd.Models;

/// <summary>How far a memory reached before <c>learn</c> added to it: what undoing cuts it back to.</summary>
/// <param name="Vectors">Its vectors, <c>memory.size</c>.</param>
/// <param name="Candidates"><c>memory.candidates</c>, which is never below.</param>
/// <param name="Learnt">Images that it was made of, and had learnt.</param>
/// <param name="Known">Images that it knew.</param>
/// <param name="Kept">Pictures that it kept.</param>
public sealed record MemoryExtent(int Vectors, int Candidates, long Learnt, int Known, int Kept)
{
    /// <summary>What its quality was; null if it had none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Quality? Quality { get; init; }

    /// <summary>How scales of earlier settings are called.</summary>
    private const string Earlier = "earlier.", Scales = ".scales";

    /// <summary>The tensor that has the scales of then, if the memory has any.</summary>
    internal string ScalesName => $"{Earlier}{Known}{Scales}";

    /// <summary>Whether a tensor is one of those.</summary>
    internal static bool IsEarlier(string tensor) =>
        tensor.StartsWith(Earlier, StringComparison.Ordinal) && tensor.EndsWith(Scales, StringComparison.Ordinal);

    /// <summary>Whether a memory that reached so far can reach as far as that one, which learnt at least one
    /// image.</summary>
    internal bool IsWithin(MemoryExtent later) => Vectors >= 1 && Vectors <= later.Vectors && Vectors <= Candidates
        && Candidates <= later.Candidates && Learnt >= 0 && Learnt <= later.Learnt && Known >= 0 && Known < later.Known
        && Kept >= 0 && Kept <= later.Kept && Quality is not { IsPossible: false };
}
