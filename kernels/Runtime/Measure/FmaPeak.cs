using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace MlffAd.Kernels.Runtime;

/// <summary>The most multiply-adds that the processor does: independent sums that never leave the registers. A
/// ceiling for products.</summary>
public static class FmaPeak
{
    private const int Chains = 12, Turns = 10_000_000;

    /// <summary>GFLOP/s of all the team's threads together, a multiply-add being two; takes some 20 ms.</summary>
    /// <remarks>The sum of what each thread reached in its own time. Were the slowest waited for, one that another
    /// program delays would lower the peak of all, though a product that shares its work out as it goes hardly feels
    /// it: its share would look too good.</remarks>
    public static unsafe double Measure(ThreadTeam team)
    {
        int width = Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated
            ? 8
            : Vector128.IsHardwareAccelerated || AdvSimd.IsSupported ? 4 : 1;
        double* turnsPerSecond = stackalloc double[team.Count];
        team.For(team.Count, new Job(turnsPerSecond));
        double sum = 0;
        for (int part = 0; part < team.Count; part++) sum += turnsPerSecond[part];
        return 2.0 * Chains * width * sum / 1e9;
    }

    private readonly unsafe struct Job(double* turnsPerSecond) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int part = begin; part < end; part++)
            {
                long start = Stopwatch.GetTimestamp();
                if (Vector512.IsHardwareAccelerated) Loop<Lanes512, Vector512<float>>();
                else if (Vector256.IsHardwareAccelerated) Loop<Lanes256, Vector256<float>>();
                else if (Vector128.IsHardwareAccelerated || AdvSimd.IsSupported) Loop<Lanes128, Vector128<float>>();
                else Loop<Lanes1, float>();
                turnsPerSecond[part] = Turns / Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }

        /// <summary>Twelve chains: more than latency (4 cycles) times units (2), fewer than registers (16).</summary>
        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        private static void Loop<TLanes, TVector>() where TLanes : ILanes<TVector> where TVector : unmanaged
        {
            float factor = 1, summand = 1e-9f;
            float* sink = stackalloc float[16];
            TVector a = TLanes.Broadcast(&factor), b = TLanes.Broadcast(&summand);
            TVector c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
            for (int i = 0; i < Turns; i++)
            {
                c0 = TLanes.MultiplyAdd(a, b, c0);
                c1 = TLanes.MultiplyAdd(a, b, c1);
                c2 = TLanes.MultiplyAdd(a, b, c2);
                c3 = TLanes.MultiplyAdd(a, b, c3);
                c4 = TLanes.MultiplyAdd(a, b, c4);
                c5 = TLanes.MultiplyAdd(a, b, c5);
                c6 = TLanes.MultiplyAdd(a, b, c6);
                c7 = TLanes.MultiplyAdd(a, b, c7);
                c8 = TLanes.MultiplyAdd(a, b, c8);
                c9 = TLanes.MultiplyAdd(a, b, c9);
                c10 = TLanes.MultiplyAdd(a, b, c10);
                c11 = TLanes.MultiplyAdd(a, b, c11);
            }
            TLanes.Store(c0, sink);
            TLanes.Store(c1, sink);
            TLanes.Store(c2, sink);
            TLanes.Store(c3, sink);
            TLanes.Store(c4, sink);
            TLanes.Store(c5, sink);
            TLanes.Store(c6, sink);
            TLanes.Store(c7, sink);
            TLanes.Store(c8, sink);
            TLanes.Store(c9, sink);
            TLanes.Store(c10, sink);
            TLanes.Store(c11, sink);
        }
    }
}
