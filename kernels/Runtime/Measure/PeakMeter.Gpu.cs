using System.Diagnostics;
using ILGPU;

namespace MlffAd.Kernels.Runtime;

public sealed partial class PeakMeter
{
    private const int GroupSize = 256, GroupsEach = 8, Warp = 32, Launches = 5, Repeats = 3;

    /// <summary>Chains of sums that do not wait for one another.</summary>
    private const int Chains = 8;

    /// <summary>Floats of an array that is copied: 256 MiB, several times what a card caches.</summary>
    private const int Floats = 64 << 20;

    /// <summary>Turns of the arithmetic's loops: a millisecond.</summary>
    private const int FmaTurns = 4096, TensorTurns = 4096;

    internal readonly record struct PeakArgs(ArrayView<float> From, ArrayView<float> To, int Turns, float Factor);

    private static readonly GpuKernel<PeakArgs> FmaLauncher = new("peak.fma", FmaBody, GroupSize);
    private static readonly GpuKernel<PeakArgs> Tf32Launcher = new("peak.tf32", TensorBody<Tf32>, GroupSize);
    private static readonly GpuKernel<PeakArgs> Bf16Launcher = new("peak.bf16", TensorBody<Bf16>, GroupSize);
    private static readonly GpuKernel<PeakArgs> CopyLauncher = new("peak.copy.wide", CopyBody, GroupSize);

    static partial void MeasureGpu(Device device, ref PeakRates rates)
    {
        var gpu = (GpuDevice)device;
        if (gpu.Id == "debug") return;
        int groups = gpu.Accelerator.NumMultiprocessors * GroupsEach;
        double threads = (double)groups * GroupSize;
        using var from = Tensor.Rent(device, Shape.Of(Floats), "copied from");
        using var to = Tensor.Rent(device, Shape.Of(Floats), "copied to");
        Pointwise.Fill(from, 1);
        PeakArgs Args(int turns) => new(from.Gpu.Data, to.Gpu.Data, turns, 0.5f);
        double fma = Rate(device, FmaLauncher, groups, Args(FmaTurns), 2 * 4 * Chains * threads * FmaTurns);
        double copy = Rate(device, CopyLauncher, Floats / 4 / GroupSize, Args(0), 2.0 * Floats * sizeof(float));
        double Tensor16x8(GpuKernel<PeakArgs> kernel, int terms) =>
            Rate(device, kernel, groups, Args(TensorTurns),
                2.0 * 16 * 8 * terms * Chains * threads / Warp * TensorTurns);
        double product = gpu.Arithmetic switch
        {
            Arithmetic.Tf32 => Tensor16x8(Tf32Launcher, 8),
            Arithmetic.Bf16 =>
            Tensor16x8(Bf16Launcher, 16),
            _ => fma
        };
        rates = new PeakRates(fma, product, new StreamRates(0, copy, 0));
        device.Pool.Trim();
    }

    /// <summary>Thousand millions a second, the best of a few times.</summary>
    private static double Rate(Device device, GpuKernel<PeakArgs> kernel, int groups, PeakArgs args, double count)
    {
        double best = 0;
        kernel.Launch(device, groups, args);
        for (int i = 0; i < Repeats; i++)
        {
            device.Synchronize();
            long start = Stopwatch.GetTimestamp();
            for (int k = 0; k < Launches; k++) kernel.Launch(device, groups, args);
            device.Synchronize();
            best = Math.Max(best, Launches * count / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }
        return best;
    }

    private static void FmaBody(PeakArgs p)
    {
        int i = Grid.GlobalIndex.X;
        // Eight chains, all different, so that no compiler takes two for one.
        float x = i * p.Factor;
        Four a = new(x, x + 1, x + 2, x + 3), b = new(x + 4, x + 5, x + 6, x + 7), c = new(x, x + 1, x + 2, x + 3);
        for (int turn = 0; turn < p.Turns; turn++)
        {
            // Four of each, so that what the loop costs does not count.
            a.MultiplyAdd(p.Factor, c);
            b.MultiplyAdd(p.Factor, c);
            a.MultiplyAdd(p.Factor, c);
            b.MultiplyAdd(p.Factor, c);
            a.MultiplyAdd(p.Factor, c);
            b.MultiplyAdd(p.Factor, c);
            a.MultiplyAdd(p.Factor, c);
            b.MultiplyAdd(p.Factor, c);
        }
        p.To[i] = a.X + a.Y + a.Z + a.W + b.X + b.Y + b.Z + b.W;
    }

    private interface IMultiply
    {
        uint Word(float x);

        Four Multiply(Four c, uint x, uint y);
    }

    private readonly struct Tf32 : IMultiply
    {
        public uint Word(float x) => TensorCore.RoundToTf32(x);

        public Four Multiply(Four c, uint x, uint y) => TensorCore.MultiplyTf32(c, x, y, x, y, x, y);
    }

    private readonly struct Bf16 : IMultiply
    {
        public uint Word(float x) => TensorCore.PackBf16(x, x);

        public Four Multiply(Four c, uint x, uint y) => TensorCore.MultiplyBf16(c, x, y, x, y, x, y);
    }

    /// <summary>Products of a warp's fragments, in registers.</summary>
    private static void TensorBody<T>(PeakArgs p) where T : unmanaged, IMultiply
    {
        uint x = default(T).Word(p.Factor), y = default(T).Word(p.Factor + Group.IdxX);
        float s = p.Factor;
        Four c0 = new(s, 0, 0, 0), c1 = new(s + 1, 0, 0, 0), c2 = new(s + 2, 0, 0, 0);
        Four c3 = new(s + 3, 0, 0, 0), c4 = new(s + 4, 0, 0, 0), c5 = new(s + 5, 0, 0, 0);
        Four c6 = new(s + 6, 0, 0, 0), c7 = new(s + 7, 0, 0, 0);
        for (int turn = 0; turn < p.Turns; turn++)
        {
            c0 = default(T).Multiply(c0, x, y);
            c1 = default(T).Multiply(c1, x, y);
            c2 = default(T).Multiply(c2, x, y);
            c3 = default(T).Multiply(c3, x, y);
            c4 = default(T).Multiply(c4, x, y);
            c5 = default(T).Multiply(c5, x, y);
            c6 = default(T).Multiply(c6, x, y);
            c7 = default(T).Multiply(c7, x, y);
        }
        Four sum = ((c0 + c1) + (c2 + c3)) + ((c4 + c5) + (c6 + c7));
        p.To[Grid.GlobalIndex.X] = sum.X + sum.Y + sum.Z + sum.W;
    }

    private static void CopyBody(PeakArgs p)
    {
        int i = Grid.GlobalIndex.X;
        p.To.Cast<Four>()[i] = p.From.Cast<Four>()[i];
    }
}
