using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlffAd.Training;
using TorchSharp;
using static TorchSharp.torch;
using Device = MlffAd.Kernels.Runtime.Device;

namespace MlffAd.Peers;

/// <summary>Our k-centre choice against the plain loop in libtorch, on the cells of photographs.</summary>
/// <remarks>The loop is optimised: a choice reads the pool once, to multiply it by the chosen vector; all else stays in
/// cache, allocated once and written in place. It multiplies a row by a matrix, with columns for each thread, since
/// libtorch's matrix–vector product is single-threaded.</remarks>
internal static class KCentreRace
{
    /// <summary>Runs both and prints their times, and the loop's share of the memory bandwidth.</summary>
    public static void Run(string folder, Config config, int threads, TextWriter output)
    {
        using var device = Device.Open("cpu", threads);
        using var drawn = MemoryTrainer.DrawPool(new TrainingRequest(folder, "none", config), device);
        var pool = drawn.Rows;
        int size = Math.Min(config.Memory.Size, pool.Rows);
        double stream;
        using (var peak = new StreamPeak(device.Team)) stream =
            Timing.Median([.. Enumerable.Range(0, 5).Select(_ => peak.Measure().Read)]);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{device.Name}, {threads} threads: "
            + $"{size:#,0} of {pool.Rows:#,0} × {pool.C} cells of '{folder}'; memory is read at {stream:0.0} GB/s."));
        var (ours, chosen) = Time(() => KCentre.Choose(pool, size));
        Print("ours", ours, chosen.Indices, chosen.Radii[^1]);
        var (loop, (indices, radius)) = Time(() => PlainLoop(pool, chosen.Indices[0], size, threads));
        Print("plain loop, libtorch", loop, indices, radius);
        double rate = pool.Bytes / 1e9 * size / loop;
        var (again, _) = Time(() => KCentre.Choose(pool, size));
        Print("ours, again", again, chosen.Indices, chosen.Radii[^1]);
        int same = chosen.Indices.Zip(indices).TakeWhile(pair => pair.First == pair.Second).Count();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"The loop read {rate:0.0} GB/s, {rate / stream:0%} of what the memory gives; ours is "
            + $"{loop / Math.Min(ours, again):0.0} and {loop / Math.Max(ours, again):0.0} times as fast. The first "
            + $"{same:#,0} choices are the same; the loop's float32 distances decide otherwise from there on."));

        void Print(string who, double seconds, int[] choices, double last) => output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {who,-22} {seconds,8:0.00} s   {choices.Length:#,0} choices, radius {last:0.000}"));
    }

    private static (double Seconds, T Result) Time<T>(Func<T> work)
    {
        long start = Stopwatch.GetTimestamp();
        var result = work();
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, result);
    }

    private static (int[] Indices, double Radius) PlainLoop(
        Kernels.Runtime.Tensor rows, int first, int count, int threads)
    {
        RuntimeHelpers.RunClassConstructor(typeof(TorchStep).TypeHandle);   // makes libtorch loadable
        set_num_threads(1);
        OneDnn.TellCaches();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var pool = empty(rows.Rows, rows.C);
        unsafe { rows.Read(MemoryMarshal.Cast<byte, float>(pool.bytes)); }
        Part[] parts = [.. Enumerable.Range(0, threads).Select(i => new Part(pool, i, threads))];
        int[] indices = new int[count];
        int next = first;
        using var team = new Barrier(threads, _ => next = parts.MaxBy(part => part.Radius)!.Furthest);
        var workers = parts.Select(part => new Thread(() =>
        {
            using var _ = no_grad();
            for (int k = 0; k < count; k++)
            {
                if (part.First == 0) indices[k] = next;
                part.Step(pool, next);
                team.SignalAndWait();
            }
        })).ToList();
        workers.ForEach(worker => worker.Start());
        workers.ForEach(worker => worker.Join());
        return (indices, Math.Sqrt(Math.Max(0, parts.Max(part => part.Radius))));
    }

    /// <summary>A thread's vectors, as columns, and each one's squared distance to its nearest chosen one.</summary>
    private sealed class Part
    {
        private readonly torch.Tensor _columns, _norms, _squares, _least;

        public Part(torch.Tensor pool, int i, int parts)
        {
            (First, int end) = ((int)(pool.size(0) * i / parts), (int)(pool.size(0) * (i + 1) / parts));
            var own = pool[First..end];
            _columns = own.t().contiguous();
            _norms = own.square().sum(1).reshape(1, end - First);
            _squares = empty_like(_norms);
            _least = full_like(_norms, float.PositiveInfinity);
        }

        public int First { get; }

        public int Furthest { get; private set; }

        public float Radius { get; private set; }

        /// <summary>Updates each vector's least <c>‖x‖² + ‖c‖² − 2x·c</c>, and the largest of these.</summary>
        public void Step(torch.Tensor pool, int chosen)
        {
            using var turn = NewDisposeScope();
            var centre = pool[chosen..(chosen + 1)];
            _squares.copy_(_norms).add_(centre.square().sum()).addmm_(centre, _columns, 1, -2);
            _least.copy_(minimum(_least, _squares));
            int at = (int)_least.argmax().item<long>();
            (Furthest, Radius) = (First + at, _least[0, at].item<float>());
        }
    }
}
