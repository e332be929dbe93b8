using System.Numerics;
using ILGPU;

namespace MlffAd.Kernels;

public static partial class Sgd
{
    private const int GroupSize = 256;

    internal struct StepArgs
    {
        public ArrayView<float> W, V, G, Clip;
        public float Rate, Momentum, Decay;
        public int Count;
    }

    internal struct ClipArgs
    {
        public ArrayView<float> G, Loss, Partials, Clip;
        public ArrayView<int> Counters;
        public float ClipNorm;
    }

    private static readonly GpuKernel<StepArgs> StepLauncher = new("sgd.step", StepBody<OneChannel, float>);
    private static readonly GpuKernel<StepArgs> StepWideLauncher = new("sgd.step.wide", StepBody<FourChannels, Four>);
    private static readonly GpuKernel<ClipArgs> ClipLauncher =
        new("sgd.clip", ClipBody, GroupSize, GroupSize * sizeof(float));

    static partial void StepGpu(Tensor w, Tensor v, Tensor g, SgdRange range, float rate, float momentum, Tensor clip)
    {
        StepArgs Part(int start, int count) => new()
        {
            W = w.Gpu.Data.SubView(start, count),
            V = v.Gpu.Data.SubView(start, count),
            G = g.Gpu.Data.SubView(start, count),
            Clip = clip.Gpu.Data,
            Rate = rate * range.RateScale,
            Momentum = momentum,
            Decay = range.Decay,
            Count = count,
        };
        bool aligned = range.Start % 4 == 0 && w.Gpu.IsAligned && v.Gpu.IsAligned && g.Gpu.IsAligned;
        int wide = aligned ? range.Count / 4 * 4 : 0, rest = range.Count - wide;
        if (wide > 0) StepWideLauncher.LaunchItems(w.Device, wide / 4, Part(range.Start, wide));
        if (rest > 0) StepLauncher.LaunchItems(w.Device, rest, Part(range.Start + wide, rest));
    }

    static partial void ClipGpu(Tensor g, Tensor loss, float clipNorm, Tensor partials, Tensor clip) =>
        ClipLauncher.Launch(g.Device, (int)partials.Count, new ClipArgs
        {
            G = g.Gpu.Data,
            Loss = loss.Gpu.Data,
            Partials = partials.Gpu.Data,
            Clip = clip.Gpu.Data,
            Counters = ((GpuDevice)g.Device).Counters,
            ClipNorm = clipNorm,
        });

    /// <summary>One parameter a thread, or four as 16 bytes.</summary>
    private static void StepBody<TChannels, T>(StepArgs p) where TChannels : unmanaged, IChannels<T>
        where T : unmanaged, IAdditionOperators<T, T, T>, ISubtractionOperators<T, T, T>, IMultiplyOperators<T, T, T>
    {
        int i = Grid.GlobalIndex.X;
        float scale = p.Clip[1];
        if (i >= p.Count / default(TChannels).Count || scale == 0) return;
        ref T w = ref p.W.Cast<T>()[i], v = ref p.V.Cast<T>()[i];
        T wi = w;
        T gradient = p.G.Cast<T>()[i] * default(TChannels).All(scale) + wi * default(TChannels).All(p.Decay);
        T vi = v * default(TChannels).All(p.Momentum) + gradient;
        (w, v) = (wi - vi * default(TChannels).All(p.Rate), vi);
    }

    /// <summary>A group sums one block: 64 squares a thread, then a tree. The group that finishes last
    /// sums the blocks.</summary>
    private static void ClipBody(ClipArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        long first = (long)Grid.IdxX * BlockSize, last = IntrinsicMath.Min(p.G.Length, first + BlockSize);
        float sum = 0;
        for (long i = first + Group.IdxX; i < last; i += GroupSize) sum += p.G[i] * p.G[i];
        sum = GroupReduce.Sum(shared, sum);
        if (Group.IdxX == 0) p.Partials[Grid.IdxX] = sum;
        int blocks = LastGroup.HasCome(shared, p.Counters, 0, Grid.DimX) ? Grid.DimX : 0;
        sum = 0;
        for (int i = Group.IdxX; i < blocks; i += GroupSize) sum += p.Partials[i];
        float norm = MathF.Sqrt(GroupReduce.Sum(shared, sum)), scale = 0;
        if (blocks == 0 || Group.IdxX != 0) return;
        if (IsFinite(norm) && IsFinite(p.Loss[0])) scale = p.ClipNorm > 0 && norm > p.ClipNorm ? p.ClipNorm / norm : 1;
        p.Clip[0] = norm;
        p.Clip[1] = scale;
    }

    private static bool IsFinite(float x) => (Interop.FloatAsInt(x) & 0x7F800000u) != 0x7F800000u;
}
