using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Sgd
{
    private const int GroupSize = 256;

    internal readonly record struct StepArgs(ArrayView<float> W, ArrayView<float> V, ArrayView<float> G, ArrayView<float> Clip, float Rate, float Momentum, float Decay, int Count);

    internal readonly record struct ClipArgs(ArrayView<float> G, ArrayView<float> Loss, ArrayView<float> Partials, ArrayView<float> Clip, ArrayView<int> Counters, float ClipNorm);

    private static readonly GpuKernel<StepArgs> StepLauncher = new("sgd.step", StepBody), StepWideLauncher = new("sgd.step.wide", StepWideBody);
    private static readonly GpuKernel<ClipArgs> ClipLauncher = new("sgd.clip", ClipBody, GroupSize, GroupSize * sizeof(float));

    static partial void StepGpu(Tensor w, Tensor v, Tensor g, SgdRange range, float rate, float momentum, Tensor clip)
    {
        StepArgs Part(int start, int count)
        {
            ArrayView<float> Of(Tensor t) => t.Gpu.Data.SubView(start, count);
            return new(Of(w), Of(v), Of(g), clip.Gpu.Data, rate * range.RateScale, momentum, range.Decay, count);
        }
        bool aligned = range.Start % 4 == 0 && w.Gpu.IsAligned && v.Gpu.IsAligned && g.Gpu.IsAligned;
        int inFours = aligned ? range.Count / 4 * 4 : 0, rest = range.Count - inFours;
        if (inFours > 0) StepWideLauncher.LaunchItems(w.Device, inFours / 4, Part(range.Start, inFours));
        if (rest > 0) StepLauncher.LaunchItems(w.Device, rest, Part(range.Start + inFours, rest));
    }

    static partial void ClipGpu(Tensor g, Tensor loss, float clipNorm, Tensor partials, Tensor clip) =>
        ClipLauncher.Launch(g.Device, (int)partials.Count, new(g.Gpu.Data, loss.Gpu.Data, partials.Gpu.Data, clip.Gpu.Data, ((GpuDevice)g.Device).Counters, clipNorm));

    private static void StepBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X;
        float scale = p.Clip[1];
        if (i < p.Count && scale != 0) (p.W[i], p.V[i]) = Step(p, scale, p.W[i], p.V[i], p.G[i]);
    }

    /// <summary>Four parameters a thread, as 16 bytes.</summary>
    private static void StepWideBody(StepArgs p)
    {
        int i = Grid.GlobalIndex.X;
        float scale = p.Clip[1];
        if (i >= p.Count / 4 || scale == 0) return;
        ref Four w = ref p.W.Cast<Four>()[i], v = ref p.V.Cast<Four>()[i];
        Four wi = w, vi = v, g = p.G.Cast<Four>()[i];
        (wi.X, vi.X) = Step(p, scale, wi.X, vi.X, g.X);
        (wi.Y, vi.Y) = Step(p, scale, wi.Y, vi.Y, g.Y);
        (wi.Z, vi.Z) = Step(p, scale, wi.Z, vi.Z, g.Z);
        (wi.W, vi.W) = Step(p, scale, wi.W, vi.W, g.W);
        (w, v) = (wi, vi);
    }

    private static (float W, float V) Step(in StepArgs p, float scale, float w, float v, float g)
    {
        v = v * p.Momentum + (g * scale + w * p.Decay);
        return (w - v * p.Rate, v);
    }

    /// <summary>A group sums one block: 64 squares a thread, then a tree. The group that finishes last sums the blocks.</summary>
    private static void ClipBody(ClipArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        long first = (long)Grid.IdxX * BlockSize, last = IntrinsicMath.Min(p.G.Length, first + BlockSize);
        float sum = 0;
        for (long i = first + Group.IdxX; i < last; i += GroupSize) sum += p.G[i] * p.G[i];
        sum = GroupColumns.Sum(shared, 1, sum);
        if (Group.IdxX == 0) p.Partials[Grid.IdxX] = sum;
        int blocks = LastGroup.HasCome(shared, p.Counters, 0, Grid.DimX) ? Grid.DimX : 0;
        sum = 0;
        for (int i = Group.IdxX; i < blocks; i += GroupSize) sum += p.Partials[i];
        float norm = MathF.Sqrt(GroupColumns.Sum(shared, 1, sum)), scale = 0;
        if (blocks == 0 || Group.IdxX != 0) return;
        if (IsFinite(norm) && IsFinite(p.Loss[0])) scale = p.ClipNorm > 0 && norm > p.ClipNorm ? p.ClipNorm / norm : 1;
        p.Clip[0] = norm;
        p.Clip[1] = scale;
    }

    private static bool IsFinite(float x) => (Interop.FloatAsInt(x) & 0x7F800000u) != 0x7F800000u;
}
