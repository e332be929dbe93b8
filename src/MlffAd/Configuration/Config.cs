using System.Collections.Immutable;

// A key's [Key] sentence is its documentation: help texts, docs and this file have one source.
#pragma warning disable CS1591

namespace MlffAd.Configuration;

/// <summary>Everything that shapes the network, its loss, its training and its data (spec §13). Immutable; a new one
/// has the paper's values.</summary>
/// <remarks>The records here and in SynthConfig.cs are the one place where a key exists: JSON, dotted names, ranges,
/// help texts and docs are derived from them.</remarks>
public sealed partial record Config
{
    [Key("Side S of the square image that the network sees, in pixels.", Min = 64, Max = 4096, MultipleOf = 64)]
    public int ImageSize { get; init; } = 256;

    [Key("Bits of 16-bit image files that the camera uses; 16: the high byte is seen.", Min = 8, Max = 16)]
    public int BitDepth { get; init; } = 16;

    public BackboneConfig Backbone { get; init; } = new();
    public TextureConfig Texture { get; init; } = new();
    public ScConfig Sc { get; init; } = new();
    public FusionConfig Fusion { get; init; } = new();
    public ScoreConfig Score { get; init; } = new();
    public MemoryConfig Memory { get; init; } = new();
    public LossConfig Loss { get; init; } = new();
    public TrainConfig Train { get; init; } = new();
    public LabelsConfig Labels { get; init; } = new();
    public VerdictConfig Verdict { get; init; } = new();
    public SynthConfig Synth { get; init; } = new();
    public AugmentConfig Augment { get; init; } = new();
}

/// <summary>The ResNet up to stage 3 (spec §3).</summary>
public sealed record BackboneConfig
{
    [Key("Bottlenecks in each of the three stages.", Count = 3, Min = 1, Max = 64)]
    public ImmutableArray<int> Stages { get; init; } = [3, 4, 6];

    [Key("Channels of the stem; stage k has 4·width·2^(k-1).", Min = 1, Max = 1024)]
    public int Width { get; init; } = 64;

    [Key("Which convolution of a stage's first bottleneck has the stride: its 3x3 (v1.5) or its first 1x1 (v1).")]
    public StrideIn StrideIn { get; init; } = StrideIn.ThreeByThree;

    [Key("Epsilon of the backbone's batch normalisation.", Min = 0, Above = true, Max = 1)]
    public double BnEps { get; init; } = 1e-5;
}

/// <summary>The statistical texture branch (spec §4).</summary>
public sealed record TextureConfig
{
    [Key("Whether the texture branch is used; without it the pooled stages 1 and 2 are fused directly.")]
    public bool Enabled { get; init; } = true;

    [Key("Channels of the branch's feature maps.", Min = 1, Max = 4096)]
    public int Width { get; init; } = 256;

    [Key("Channels of the statistics, one row a level or pair of levels.", Min = 1, Max = 4096)]
    public int StatWidth { get; init; } = 128;

    [Key("Channels of the hidden layer between levels and statistics.", Min = 1, Max = 4096)]
    public int MlpWidth { get; init; } = 64;

    [Key("Quantisation levels over the whole map (QCO-1D).", Min = 1, Max = 1024)]
    public int Levels1d { get; init; } = 128;

    [Key("Quantisation levels in a region (QCO-2D); their pairs are counted.", Min = 1, Max = 32)]
    public int Levels2d { get; init; } = 8;

    [Key("Scales s at which the map is split into s x s regions; each divides imageSize/8.", Min = 1, Max = 512)]
    public ImmutableArray<int> Scales { get; init; } = [1, 2, 4, 8];

    [Key("Where levels lie: in the middle of their interval (centre) or at its end (paper).")]
    public LevelPositions Levels { get; init; } = LevelPositions.Centre;

    [Key("Which similarities belong to a level: half a spacing around it, a whole spacing, or an absolute half of 1/N.")]
    public Band Band { get; init; } = Band.Half;
}

/// <summary>The self-calibrated module on stage 3 (spec §5).</summary>
public sealed record ScConfig
{
    [Key("Whether the self-calibrated module is used; without it stage 3 is fused directly.")]
    public bool Enabled { get; init; } = true;

    [Key("Channels of the module; fewer than stage 3 has are reached by a 1x1 convolution.", Min = 1, Max = 8192)]
    public int Width { get; init; } = 1024;

    [Key("Side of the average pool before the gate; divides imageSize/16.", Min = 1, Max = 256)]
    public int Pool { get; init; } = 4;
}

/// <summary>The fused feature map F (spec §6).</summary>
public sealed record FusionConfig
{
    [Key("Channels of the fused features F.", Min = 1, Max = 4096)]
    public int Width { get; init; } = 256;
}

/// <summary>The score of a cell (spec §6).</summary>
public sealed record ScoreConfig
{
    [Key("Whether a cell's score is a trained linear function of F; otherwise it is F's distance A(F).")]
    public bool Linear { get; init; } = true;
}

/// <summary>The memory of good parts (spec §14).</summary>
public sealed record MemoryConfig
{
    [Key("Stages of the backbone that describe a cell, the lowest first.", Min = 1, Max = 3)]
    public ImmutableArray<int> From { get; init; } = [2, 3];

    [Key("Whether each stage's map is averaged over 3 x 3 positions first.")]
    public bool Mean { get; init; }

    [Key("Numbers of a remembered vector: random projections of the features, and two for the place.", Min = 3,
        Max = 512)]
    public int Width { get; init; } = 512;

    [Key("Vectors that the memory keeps; 0 for no memory.", Min = 0, Max = 1000000)]
    public int Size { get; init; }

    [Key("Cells drawn from the good images, for the memory's vectors to be chosen from.", Min = 1, Max = 4000000)]
    public int Candidates { get; init; } = 150000;

    [Key("Weight of a cell's place: how far one cell aside counts, of the usual distance; 0 for none.", Min = 0,
        Max = 100)]
    public double Place { get; init; } = 0.05;

    [Key("What a distance is measured by: nothing (none), good images' distances at its place (place), or those "
        + "of its nearest vector (vector).")]
    public Scaling Scaling { get; init; } = Scaling.None;

    [Key("Standard deviation of the Gaussian that smooths the score map, in cells; 0 for none.", Min = 0, Max = 8)]
    public double Smooth { get; init; } = 0.6;

    [Key("Largest cells whose mean is an image's score; 0 for the largest pixel.", Min = 0, Max = 4096)]
    public int Readout { get; init; }

    [Key("Weight of a trained network's scores in the map, beside the memory's; 0 for no network.", Min = 0,
        Max = 100)]
    public double Network { get; init; }

    [Key("Whether training chooses mean, place, scaling, smooth and readout, but for those that are set.")]
    public bool Choose { get; init; } = true;

    [Key("Whether the model keeps the pictures that its threshold rests on, for 'learn': anyone with the file can see "
        + "them.")]
    public bool Keep { get; init; } = true;
}

/// <summary>The losses (spec §7).</summary>
public sealed record LossConfig
{
    [Key("Weight of the feature loss L_f.", Min = 0)]
    public double Alpha { get; init; } = 1;

    [Key("Weight of the score loss L_s.", Min = 0)]
    public double Beta { get; init; } = 1;

    [Key("Weight of the structure loss L_fs.", Min = 0)]
    public double Xi { get; init; } = 1;

    [Key("Score up to which a good cell costs nothing.")]
    public double Gamma { get; init; } = 2.5;

    [Key("Margin by which an anomalous score should exceed the good ones.")]
    public double Lambda { get; init; } = 5;

    [Key("What an anomalous score is compared with: the mean good score of the batch, or every good cell's (all).")]
    public Pairing Pairing { get; init; } = Pairing.Mean;

    [Key("Side of the patches of L_fs, in cells; divides imageSize/8.", Min = 1, Max = 512)]
    public int Patch { get; init; } = 4;

    [Key("Temperature of the softmax over patch distances in L_fs.", Min = 0, Above = true)]
    public double Temperature { get; init; } = 1;
}

/// <summary>Training (spec §8).</summary>
public sealed record TrainConfig
{
    [Key("Passes over the repeated list of good images.", Min = 1)]
    public int Epochs { get; init; } = 200;

    [Key("How often an epoch repeats every good image.", Min = 1, Max = 10000)]
    public int Repeat { get; init; } = 10;

    [Key("Images in a step.", Min = 1, Max = 4096)]
    public int Batch { get; init; } = 32;

    [Key("Learning rate.", Min = 0, Above = true)]
    public double Lr { get; init; } = 0.001;

    [Key("Momentum of the gradient descent.", Min = 0, Max = 1, Below = true)]
    public double Momentum { get; init; } = 0.9;

    [Key("Weight decay, on weights but not on batch-norm scales, shifts or biases.", Min = 0)]
    public double WeightDecay { get; init; } = 3e-5;

    [Key("Decay d of the learning rate: step t has lr/(1 + d·t).", Min = 0)]
    public double LrDecay { get; init; }

    [Key("Course of the learning rate: constant, or half a cosine from lr to 0.")]
    public Schedule Schedule { get; init; } = Schedule.Constant;

    [Key("Steps over which the learning rate rises from 0.", Min = 0)]
    public int Warmup { get; init; }

    [Key("Factor of the learning rate for the backbone.", Min = 0)]
    public double BackboneLrScale { get; init; } = 1;

    [Key("Largest gradient norm, longer gradients are shortened to it; 0 for no limit.", Min = 0)]
    public double ClipNorm { get; init; }

    [Key("Share of training images that get a pseudo anomaly.", Min = 0, Max = 1)]
    public double PseudoRatio { get; init; } = 0.5;

    [Key("What does not train: nothing, the stem (conv1 and stage 1), or the backbone.")]
    public Freeze Freeze { get; init; } = Freeze.None;

    [Key("Statistics of the backbone's batch normalisation: of the batch (train), or the imported ones (frozen).")]
    public BnMode Bn { get; init; } = BnMode.Train;

    [Key("Share of good images kept out of training to set the threshold (four at least); 0 for none.", Min = 0,
        Max = 1, Below = true)]
    public double Holdout { get; init; } = 0.1;

    [Key("Seed of all random numbers.", Min = 0)]
    public int Seed { get; init; }
}

/// <summary>Cell labels (spec §2.8).</summary>
public sealed record LabelsConfig
{
    [Key("A cell is anomalous if more than this share of its 8x8 pixels is.", Min = 0, Max = 1, Below = true)]
    public double MinShare { get; init; }
}

/// <summary>The thresholds of a verdict (spec §9).</summary>
public sealed record VerdictConfig
{
    [Key("Quantile of the held-out good images' scores that becomes the threshold of an image.", Min = 0, Max = 1)]
    public double ImageQuantile { get; init; } = 0.99;

    [Key("Quantile of the held-out good images' pixel scores that becomes the threshold of a pixel.", Min = 0, Max = 1)]
    public double PixelQuantile { get; init; } = 0.999;
}
