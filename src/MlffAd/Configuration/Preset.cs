namespace MlffAd.Configuration;

/// <summary>A named configuration to start from.</summary>
/// <param name="Name">What <c>--preset</c> takes.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Config">The configuration.</param>
public sealed record Preset(string Name, string Description, Config Config)
{
    /// <summary>All presets: the paper's, ours for a processor, the tests', and the rows of the paper's table 4, each
    /// adding to the one before.</summary>
    public static IReadOnlyList<Preset> All { get; } = Make();

    /// <summary>Finds a preset.</summary>
    /// <exception cref="MlffAdException">There is none of that name (exit code 2).</exception>
    public static Config Find(string name) => All.FirstOrDefault(p => p.Name == name)?.Config
        ?? throw new MlffAdException(ExitCode.Usage,
            $"There is no preset '{name}'; there are {string.Join(", ", All.Select(p => p.Name))}.");

    private static Preset[] Make()
    {
        var paper = new Config();
        // Chosen by experiment: docs/training.md.
        var fast = paper with
        {
            Sc = paper.Sc with { Width = 256 },
            Train = paper.Train with
            {
                Batch = 8,
                Epochs = 5,
                Freeze = Freeze.Backbone,
                Bn = BnMode.Frozen,
                Lr = 0.01,
                Schedule = Schedule.Cosine,
                Warmup = 20,
            },
            Memory = paper.Memory with { Size = 10000, Network = 0.3 },
            Synth = paper.Synth with { Confetti = paper.Synth.Confetti with { Offsets = [-120, -1], Black = -120 } },
        };
        var memory = paper with { Memory = paper.Memory with { Size = 10000 } };
        var tiny = paper with
        {
            ImageSize = 64,
            Backbone = paper.Backbone with { Stages = [1, 1, 1], Width = 8 },
            Texture = paper.Texture with
            {
                Width = 32,
                StatWidth = 16,
                MlpWidth = 8,
                Levels1d = 16,
                Levels2d = 4,
                Scales = [1, 2, 4],
            },
            Sc = paper.Sc with { Width = 128, Pool = 2 },
            Fusion = new FusionConfig { Width = 32 },
            Loss = paper.Loss with { Patch = 2 },
        };
        var score = paper with { Loss = paper.Loss with { Xi = 0 } };
        var stl = score with { Score = new ScoreConfig { Linear = false }, Loss = score.Loss with { Beta = 0 } };
        var sc = stl with { Texture = stl.Texture with { Enabled = false } };
        var baseline = sc with { Sc = sc.Sc with { Enabled = false } };
        return
        [
            new("paper", "The paper's network and schedule.", paper),
            new("fast", "A memory, and beside it the paper's network with a narrower self-calibrated module, trained "
                + "fast on the memory's frozen backbone: small batches, a high rate that falls, softer confetti. "
                + "For processors.", fast),
            new("memory", "A memory of good parts, without training: distances to what the backbone saw on them. "
                + "Ready within a minute; the default on a processor.", memory),
            new("tiny", "A very small network on 64 x 64 images, for tests.", tiny),
            new("baseline", "Table 4, first row: fused backbone features and the feature loss alone.", baseline),
            new("+sc", "Table 4, second row: with the self-calibrated module.", sc),
            new("+stl", "Table 4, third row: with the texture branch.", stl),
            new("+score", "Table 4, fourth row: with the linear score and its loss.", score),
            new("full", "Table 4, last row: with the structure loss; the same as paper.", paper),
        ];
    }
}
