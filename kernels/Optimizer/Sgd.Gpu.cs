using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Sgd
{
    private const int GroupSize = 256;

    internal readonly record struct StepArgs(ArrayView<float> W, ArrayView<float> V, ArrayView<float> G, float Rate, float Momentum, float Decay, float Scale, int Count);

    internal readonly record struct NormArgs(ArrayView<float> G, ArrayView<float> Partials);

    private static readonly GpuKernel<StepArgs> StepLauncher = new("sgd.step", StepBody), StepWideLauncher = new("sgd.step.wide", StepWideBody);
    private static readonly GpuKernel<NormArgs> NormLauncher = new("sgd.norm", NormBody, GroupSize, GroupSize * sizeof(float));

    static partial void StepGpu(Tensor w, Tensor v, Tensor g, SgdRange range, float rate, float momentum, float gradientScale)
    {
        StepArgs Part(int start, int count)
        {
            ArrayView<float> Of(Tensor t) => t.Gpu.Data.SubView(start, count);
            return new(Of(w), Of(v), Of(g), rate * range.RateScale, momentum, range.Decay, gradientScale, count);
        }
        bool aligned = range.Start % 4 == 0 && w.Gpu.IsAligned && v.Gpu.IsAligned && g.Gpu.IsAligned;
        int inFours = aligned ? range.Count / 4 * 4 : 0, rest = range.Count - inFours;
        if (inFours > 0) StepWideLauncher.LaunchItems(w.Device, inFours / 4, Part(range.Start, inFours));
        if (rest > 0) StepLauncher.LaunchItems(w.Device, rest, Part(range.Start + inFours, rest));
    }

    static partial void NormGpu(Tensor g, Tensor partials) => NormLauncher.Launch(g.Device, (int)partials.Count, new(g.Gpu.Data, partials.Gpu.Data));

    private static void StepBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (i < p.Count) (p.W[i], p.V[i]) = Step(p, p.W[i], p.V[i], p.G[i]);
    }

    /// <summary>Four parameters a thread, as 16 bytes.</summary>
    private static void StepWideBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (i >= p.Count / 4) return;
        ref Four w = ref p.W.Cast<Four>()[i], v = ref p.V.Cast<Four>()[i];
        Four wi = w, vi = v, g = p.G.Cast<Four>()[i];
        (wi.X, vi.X) = Step(p, wi.X, vi.X, g.X);
        (wi.Y, vi.Y) = Step(p, wi.Y, vi.Y, g.Y);
        (wi.Z, vi.Z) = Step(p, wi.Z, vi.Z, g.Z);
        (wi.W, vi.W) = Step(p, wi.W, vi.W, g.W);
        (w, v) = (wi, vi);
    }

    private static (float W, float V) Step(in StepArgs p, float w, float v, float g)
    {
        v = v * p.Momentum + (g * p.Scale + w * p.Decay);
        return (w - v * p.Rate, v);
    }

    /// <summary>A group sums one block: 64 squares a thread, then a tree.</summary>
    private static void NormBody(NormArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        long first = (long)Grid.IdxX * BlockSize, last = IntrinsicMath.Min(p.G.Length, first + BlockSize);
        float sum = 0;
        for (long i = first + Group.IdxX; i < last; i += GroupSize) sum += p.G[i] * p.G[i];
        sum = GroupColumns.Sum(shared, 1, sum);
        if (Group.IdxX == 0) p.Partials[Grid.IdxX] = sum;
    }
}
