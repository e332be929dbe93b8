using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Sgd
{
    private const int GroupSize = 256;

    internal readonly record struct StepArgs(ArrayView<float> W, ArrayView<float> V, ArrayView<float> G, float Rate, float Momentum, float Decay, float Scale, int Count);

    internal readonly record struct NormArgs(ArrayView<float> G, ArrayView<float> Partials);

    private static readonly GpuKernel<StepArgs> StepLauncher = new("sgd.step", StepBody);
    private static readonly GpuKernel<NormArgs> NormLauncher = new("sgd.norm", NormBody, GroupSize, GroupSize * sizeof(float));

    static partial void StepGpu(Tensor w, Tensor v, Tensor g, SgdRange range, float rate, float momentum, float gradientScale)
    {
        ArrayView<float> Part(Tensor t) => t.Gpu.Data.SubView(range.Start, range.Count);
        StepLauncher.LaunchItems(w.Device, range.Count, new(Part(w), Part(v), Part(g), rate * range.RateScale, momentum, range.Decay, gradientScale, range.Count));
    }

    static partial void NormGpu(Tensor g, Tensor partials) => NormLauncher.Launch(g.Device, (int)partials.Count, new(g.Gpu.Data, partials.Gpu.Data));

    private static void StepBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (i >= p.Count) return;
        float v = p.V[i] * p.Momentum + (p.G[i] * p.Scale + p.W[i] * p.Decay);
        p.V[i] = v;
        p.W[i] -= v * p.Rate;
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
