namespace MlffAd.Kernels;

/// <summary>A contiguous range of parameters with the same decay and rate.</summary>
/// <param name="Start">First parameter.</param>
/// <param name="Count">Parameters.</param>
/// <param name="Decay">Weight decay wd.</param>
/// <param name="RateScale">Factor on the learning rate.</param>
/// <param name="Frozen">Whether weights and velocities stay as they are.</param>
public readonly record struct SgdRange(int Start, int Count, float Decay, float RateScale = 1, bool Frozen = false);

/// <summary>Stochastic gradient descent with momentum over flat, contiguous buffers of all parameters:
/// <c>v ← μ·v + (s·∇ + wd·w)</c>, <c>w ← w − lr·scale·v</c>.</summary>
/// <remarks>Reads w, v, g and writes w, v: 20 bytes a parameter. On a GPU a launch a range, and one more where it does
/// not end with a multiple of four.</remarks>
public static partial class Sgd
{
    private static readonly Kernel StepKernel = new("sgd.step"), ClipKernel = new("sgd.clip");

    /// <summary>Computes the clipping scale on the device, so that the host does not synchronise: <c>s = min(1,
    /// clipNorm/‖g‖)</c>; 0, for no step, if ‖g‖ or the loss is not finite.</summary>
    /// <remarks>Σ g² is summed in fixed blocks; the blocks are summed in float64 on the host, in float32 on a GPU. The
    /// sum is not finite if an element is not, or if a block's sum overflows float32.</remarks>
    /// <param name="g">Gradients.</param>
    /// <param name="loss">Its first element is the loss.</param>
    /// <param name="clipNorm">Largest norm that is not clipped; 0 for no clipping.</param>
    /// <param name="clip">Overwritten with ‖g‖ and s.</param>
    public static void Clip(Tensor g, Tensor loss, float clipNorm, Tensor clip)
    {
        Shape.Require("sgd.clip", g.IsContiguous, "gradients lie without gaps", g);
        RequireClip("sgd.clip", clip);
        using var _ = ClipKernel.Begin(g, 2 * g.Count, 4 * g.Count);
        int blocks = (int)((g.Count + BlockSize - 1) / BlockSize);
        using var partials = Tensor.Rent(g.Device, Shape.Of(blocks), "sgd.partials");
        if (g.Device.IsHost) ClipHost(g, loss, clipNorm, partials, clip);
        else ClipGpu(g, loss, clipNorm, partials, clip);
    }

    /// <summary>One step.</summary>
    /// <param name="w">Weights.</param>
    /// <param name="v">Velocities.</param>
    /// <param name="g">Gradients.</param>
    /// <param name="ranges">The parameters to train; those in no range stay.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="momentum">μ.</param>
    /// <param name="clip">The output of <see cref="Clip"/>; with s = 0 nothing changes.</param>
    public static void Step(Tensor w, Tensor v, Tensor g, ReadOnlySpan<SgdRange> ranges, float rate, float momentum,
        Tensor clip)
    {
        Shape.Same("sgd.step", w, v);
        Shape.Same("sgd.step", w, g);
        Shape.Require("sgd.step", w.IsContiguous && v.IsContiguous
            && g.IsContiguous, "parameters lie without gaps", w, v, g);
        RequireClip("sgd.step", clip);
        long trained = 0;
        foreach (var range in ranges) trained += range.Frozen ? 0 : range.Count;
        using var _ = StepKernel.Begin(w, 6 * trained, 20 * trained);
        foreach (var range in ranges)
        {
            Shape.Require("sgd.step", range.Start >= 0 && range.Count >= 0
                && range.Start + range.Count <= w.Count, $"{range} lies outside", w);
            if (range.Frozen || range.Count == 0) continue;
            if (w.Device.IsHost) StepHost(w, v, g, range, rate, momentum, clip);
            else StepGpu(w, v, g, range, rate, momentum, clip);
        }
    }

    /// <summary>Elements of a block of the norm.</summary>
    private const int BlockSize = 16384;

    private static void RequireClip(string op, Tensor clip) =>
        Shape.Require(op, clip.Shape == Shape.Of(2), "norm and scale are two numbers", clip);

    static partial void StepGpu(Tensor w, Tensor v, Tensor g, SgdRange range, float rate, float momentum, Tensor clip);
    static partial void ClipGpu(Tensor g, Tensor loss, float clipNorm, Tensor partials, Tensor clip);
}
