using System.Text.Json.Serialization;

// The names are the documentation, and each choice's sentence stands with its key in Config.cs.
#pragma warning disable CS1591

namespace MlffAd.Configuration;

/// <summary>Which convolution of a stage's first bottleneck has the stride: its 3×3 (ResNet v1.5) or its
/// first 1×1 (v1).</summary>
public enum StrideIn
{
    [JsonStringEnumMemberName("3x3")] ThreeByThree,
    [JsonStringEnumMemberName("1x1")] OneByOne,
}

/// <summary>Where quantisation levels lie: L_n = lo + (n+½)Δ, n = 0…N−1, or L_n = lo + nΔ, n = 1…N.</summary>
public enum LevelPositions
{
    [JsonStringEnumMemberName("centre")] Centre,
    [JsonStringEnumMemberName("paper")] Paper,
}

/// <summary>Which similarities belong to a level: within ±Δ/2, within ±Δ, or within ±½/N.</summary>
public enum Band
{
    [JsonStringEnumMemberName("half")] Half,
    [JsonStringEnumMemberName("spacing")] Spacing,
    [JsonStringEnumMemberName("absolute")] Absolute,
}

/// <summary>What an anomalous score is compared with in L_s: the mean good score, or every good cell's.</summary>
public enum Pairing
{
    [JsonStringEnumMemberName("mean")] Mean,
    [JsonStringEnumMemberName("all")] All,
}

/// <summary>What the memory's distances are measured by.</summary>
public enum Scaling
{
    [JsonStringEnumMemberName("none")] None,
    [JsonStringEnumMemberName("place")] Place,
    [JsonStringEnumMemberName("vector")] Vector,
}

/// <summary>The learning rate's course over training.</summary>
public enum Schedule
{
    [JsonStringEnumMemberName("constant")] Constant,
    [JsonStringEnumMemberName("cosine")] Cosine,
}

/// <summary>The part of the backbone that does not train.</summary>
public enum Freeze
{
    [JsonStringEnumMemberName("none")] None,
    [JsonStringEnumMemberName("stem")] Stem,
    [JsonStringEnumMemberName("backbone")] Backbone,
}

/// <summary>The statistics of the backbone's batch normalisation: of the batch, or the imported ones.</summary>
public enum BnMode
{
    [JsonStringEnumMemberName("train")] Train,
    [JsonStringEnumMemberName("frozen")] Frozen,
}

/// <summary>Mirrorings of training images, each with probability ½.</summary>
public enum Flip
{
    [JsonStringEnumMemberName("none")] None,
    [JsonStringEnumMemberName("h")] Horizontal,
    [JsonStringEnumMemberName("v")] Vertical,
    [JsonStringEnumMemberName("hv")] Both,
}
