namespace MlffAd.Cli;

/// <summary>Times the ladders of a GPU's batch normalisation, co-occurrence, attention and search for the nearest
/// vector, rung by rung, interleaved. (The product's is <see cref="GemmBench"/>'s.)</summary>
internal static partial class LadderBench
{
    /// <summary>A rung's speed.</summary>
    /// <param name="Ladder">The operator and its extents.</param>
    /// <param name="Rung">The rung.</param>
    /// <param name="Seconds">Median time of a call, launches included.</param>
    /// <param name="Share">Median share of the time that what the operator must read and write takes to copy,
    /// in its own time.</param>
    public sealed record RungResult(string Ladder, string Rung, double Seconds, double Share);

    /// <summary>Times every rung; a host has none.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="rounds">How often each is timed.</param>
    /// <param name="images">Images of 256 × 256 pixels, as in the paper's training.</param>
    /// <param name="copy">Median of what the device copies, GB/s.</param>
    public static IReadOnlyList<RungResult> Run(Device device, int rounds, int images, out double copy)
    {
        List<RungResult> rows = [];
        copy = 0;
        RunGpu(device, rounds, images, rows, ref copy);
        return rows;
    }

    static partial void RunGpu(Device device, int rounds, int images, List<RungResult> rows, ref double copy);
}
