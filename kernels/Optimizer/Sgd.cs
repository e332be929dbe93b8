using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>A run of parameters that are treated alike.</summary>
/// <param name="Start">First parameter.</param>
/// <param name="Count">Parameters.</param>
/// <param name="Decay">Weight decay wd.</param>
/// <param name="RateScale">Factor on the learning rate.</param>
/// <param name="Frozen">Whether weights and velocities stay as they are.</param>
public readonly record struct SgdRange(int Start, int Count, float Decay, float RateScale = 1, bool Frozen = false);

/// <summary>Stochastic gradient descent with momentum over flat, contiguous buffers of all parameters:
/// <c>v ← μ·v + (s·∇ + wd·w)</c>, <c>w ← w − lr·scale·v</c>.</summary>
/// <remarks>Reads w, v, g and writes w, v: 20 bytes a parameter. On a GPU a launch a range, and one more where it does not end with a multiple of four.</remarks>
public static partial class Sgd
{
    private static readonly Kernel StepKernel = new("sgd.step"), NormKernel = new("sgd.norm");

    /// <summary>One step.</summary>
    /// <param name="w">Weights.</param>
    /// <param name="v">Velocities.</param>
    /// <param name="g">Gradients.</param>
    /// <param name="ranges">What is trained, and how; parameters in no range stay.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="momentum">μ.</param>
    /// <param name="gradientScale">s, such as of clipping.</param>
    public static void Step(Tensor w, Tensor v, Tensor g, ReadOnlySpan<SgdRange> ranges, float rate, float momentum, float gradientScale = 1)
    {
        Shape.Same("sgd.step", w, v);
        Shape.Same("sgd.step", w, g);
        Shape.Require("sgd.step", w.IsContiguous && v.IsContiguous && g.IsContiguous, "parameters lie without gaps", w, v, g);
        long trained = 0;
        foreach (var range in ranges) trained += range.Frozen ? 0 : range.Count;
        using var _ = StepKernel.Begin(w, 6 * trained, 20 * trained);
        foreach (var range in ranges)
        {
            Shape.Require("sgd.step", range.Start >= 0 && range.Count >= 0 && range.Start + range.Count <= w.Count, $"{range} lies outside", w);
            if (range.Frozen || range.Count == 0) continue;
            if (w.Device.IsHost) StepHost(w, v, g, range, rate, momentum, gradientScale);
            else StepGpu(w, v, g, range, rate, momentum, gradientScale);
        }
    }

    /// <summary>Σ g², summed in fixed blocks and these in float64; waits for the device. Not finite if an element is not (or if a block's sum exceeds
    /// 3·10³⁸, which training does not survive either).</summary>
    public static double SquaredNorm(Tensor g)
    {
        Shape.Require("sgd.norm", g.IsContiguous, "gradients lie without gaps", g);
        using var _ = NormKernel.Begin(g, 2 * g.Count, 4 * g.Count);
        int blocks = (int)((g.Count + BlockSize - 1) / BlockSize);
        using var partials = Tensor.Rent(g.Device, Shape.Of(blocks), "sgd.partials");
        if (g.Device.IsHost) NormHost(g, partials);
        else NormGpu(g, partials);
        double sum = 0;
        foreach (float block in partials.Device.IsHost ? partials.HostSpan : partials.ToArray()) sum += block;
        return sum;
    }

    /// <summary>Elements of a block of the norm.</summary>
    private const int BlockSize = 16384;

    static partial void StepGpu(Tensor w, Tensor v, Tensor g, SgdRange range, float rate, float momentum, float gradientScale);
    static partial void NormGpu(Tensor g, Tensor partials);
}
