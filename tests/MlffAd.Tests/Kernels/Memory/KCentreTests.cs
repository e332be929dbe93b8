using CsCheck;

namespace MlffAd.Tests.Kernels;

public sealed class KCentreTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void ChoosesWhatThePlainLoopChooses(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // A GPU's loop has batches of 64 choices and groups of 256 vectors, and its interpreter time for few.
        int most = lease.Device.IsHost ? 300 : 130;
        foreach (var (n, d, count) in new[] { (1, 3, 1), (5, 2, 5), (400, 17, 90), (700, 64, most) })
            AssertPlain(lease.Device, Gradients.Random(n * d, seed: n), d, count);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void ClustersNearCopiesAndTiesMakeNoDifference(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int d = 24, n = 600;
        float[] noise = Gradients.Random(n * d, seed: 1, scale: 1e-4f), origins = Gradients.Random(20 * d, seed: 2);
        AssertPlain(lease.Device, [.. noise.Select((v, i) => origins[i / d % 20 * d + i % d] + v)], d, 200);
        // Corners of a cube: every distance many times.
        AssertPlain(lease.Device, [.. Enumerable.Range(0, 64 * 6).Select(i => (float)(i / 6 >> i % 6 & 1))], 6, 64);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void EndsWhereAllIsCovered(string id)
    {
        using var lease = TestDevices.Borrow(id);
        float[] pool = [.. Enumerable.Range(0, 500).SelectMany(i => new[] { i % 3, 1f, 2f })];
        var chosen = Choose(lease.Device, pool, 3, 100);
        Assert.Equal([1, 0, 2], chosen.Indices);
        Assert.Equal([1, 1, 0], chosen.Radii);
        Assert.Equal([0], Choose(lease.Device, [.. Enumerable.Repeat(7f, 60)], 2, 10).Indices);
    }

    [Fact]
    public void AnyPoolIsChosenFromAsByThePlainLoop() =>
        Gen.Select(Gen.Int[1, 80], Gen.Int[1, 9], Gen.Int[1, 90], Gen.Int[0, 1 << 20], Gen.Int[1, 30])
            .Sample((n, d, count, seed, steps) =>
        {
            using var device = Device.Open("cpu", 1);
            // On a coarse grid, so that ties and copies are frequent.
            AssertPlain(device, [.. Gradients.Random(n * d, seed).Select(v => MathF.Round(v * steps))], d, count);
        }, iter: 60);

    [Fact]
    public void ThreadsChangeNothingAndPrefixesAreSmallerChoices()
    {
        float[] pool = Gradients.Random(900 * 32, seed: 3);
        using Device one = Device.Open("cpu", 1), two = Device.Open("cpu", 2);
        var (all, few) = (Choose(one, pool, 32, 250), Choose(two, pool, 32, 100));
        Assert.Equal(all.Indices[..100], few.Indices);
        Assert.Equal(all.Radii[..100], few.Radii);
        Assert.Equal(all.Radii, Choose(two, pool, 32, 250).Radii);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void NumbersThatAreNotFiniteAreRefusedAndStopStops(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Assert.Throws<ArgumentException>(() => Choose(lease.Device, [1, float.NaN, 3], 1, 2));
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        using var pool = Tensor.From(lease.Device, Shape.Of(1, 300, 2), Gradients.Random(600, seed: 1), "pool");
        Assert.Throws<OperationCanceledException>(() => KCentre.Choose(pool, 200, null, stopped.Token));
    }

    private static Coreset Choose(Device device, float[] pool, int d, int count)
    {
        using var tensor = Tensor.From(device, Shape.Of(1, pool.Length / d, d), pool, "pool");
        return KCentre.Choose(tensor, count);
    }

    private static void AssertPlain(Device device, float[] pool, int d, int count)
    {
        var chosen = Choose(device, pool, d, count);
        var (indices, radii) = PlainLoop(pool, d, count);
        Assert.Equal(indices, chosen.Indices);
        Assert.Equal(radii, chosen.Radii);
    }

    /// <summary>The contract, word for word.</summary>
    private static (List<int> Indices, List<float> Radii) PlainLoop(float[] pool, int d, int count)
    {
        int n = pool.Length / d;
        var rows = Enumerable.Range(0, n);
        float[] mean = [.. Enumerable.Range(0, d)
            .Select(k => (float)(rows.Aggregate(0.0, (sum, i) => sum + pool[i * d + k]) / n))];
        double[] squares = [.. Enumerable.Range(0, n).Select(i => Square(pool.AsSpan(i * d, d), mean))];
        int next = Array.IndexOf(squares, squares.Min());
        var (indices, radii) = (new List<int>(), new List<float>());
        Array.Fill(squares, double.PositiveInfinity);
        while (true)
        {
            indices.Add(next);
            for (int i = 0; i < n; i++) squares[i] =
                Math.Min(squares[i], Square(pool.AsSpan(i * d, d), pool.AsSpan(next * d, d)));
            double largest = squares.Max();
            radii.Add((float)Math.Sqrt(largest));
            if (indices.Count == Math.Min(count, n) || largest == 0) return (indices, radii);
            next = Array.IndexOf(squares, largest);
        }
    }

    private static double Square(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int k = 0; k < a.Length; k++)
        {
            double difference = (double)a[k] - b[k];
            sum += difference * difference;
        }
        return sum;
    }
}
