namespace MlffAd.Tests.Kernels;

public sealed class NearestVectorTests
{
    /// <summary>Queries, vectors, width: one of each, fewer than a tile, not multiples of tile, panel or
    /// vector.</summary>
    private static readonly (int M, int B, int D)[] Sizes =
        [(1, 1, 1), (3, 2, 5), (9, 33, 16), (50, 97, 20), (130, 300, 64), (7, 65, 512)];

    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void EqualsBruteForceBitForBit(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var (m, b, d) in Sizes)
        {
            float[] queries = Gradients.Random(m * d, seed: m), vectors = Gradients.Random(b * d, seed: b);
            vectors.AsSpan(0, d).CopyTo(queries.AsSpan((m - 1) * d));   // the last query is in the memory
            AssertExact(lease.Device, queries, vectors, d);
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void TellsNearCopiesApart(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int d = 48, copies = 40, families = 5;
        float[] noise = Gradients.Random(families * copies * d, seed: 1, scale: 1e-4f),
            origins = Gradients.Random(families * d, seed: 2, scale: 3);
        float[] vectors = [.. noise.Select((v, i) => origins[i / d % families * d + i % d] + v)];
        vectors.AsSpan(0, d).CopyTo(vectors.AsSpan(70 * d));   // twice there: the lower index wins
        float[] queries = [.. vectors.AsSpan(0, 30 * d), .. Gradients.Random(60 * d, seed: 3, scale: 3), .. origins];
        AssertExact(lease.Device, queries, vectors, d);
    }

    /// <summary>Many and wide vectors are seen from few directions first, where these spare anything: in a family of
    /// planes they do, in noise they do not.</summary>
    [Theory]
    [InlineData(20, 0)]
    [InlineData(20, 1e-4f)]
    [InlineData(300, 1)]
    public void FewDirectionsChangeNothing(int rank, float noise)
    {
        const int m = 60, b = 1100, d = 300;
        using var device = Device.Open("cpu", 2);
        float[] directions = Gradients.Random(rank * d, seed: 1),
            rest = Gradients.Random((m + b) * d, seed: 2, scale: noise);
        float[] weights = Gradients.Random((m + b) * rank, seed: 3), all = new float[(m + b) * d];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = rest[i];
            for (int r = 0; r < rank; r++) all[i] += weights[i / d * rank + r] * directions[r * d + i % d];
        }
        all.AsSpan(0, 5 * d).CopyTo(all.AsSpan(m * d));        // five queries are in the memory, twice
        all.AsSpan(0, 5 * d).CopyTo(all.AsSpan((m + 900) * d));
        float[] queries = all[..(m * d)], vectors = all[(m * d)..];
        AssertExact(device, queries, vectors, d);
        float[] groups = [.. Enumerable.Range(0, b).Select(j => (float)(j % 7))];
        AssertExact(device, queries, vectors, d, groups[..m], groups);
    }

    [Fact]
    public void EveryRungOfTheLadderFindsTheSame()
    {
        const int m = 70, b = 1030, d = 256;
        using var device = Device.Open("cpu", 1);
        float[] queries = Gradients.Random(m * d, seed: 1), vectors = Gradients.Random(b * d, seed: 2);
        using var q = Tensor.From(device, Shape.Of(1, m, d), queries, "queries");
        using var v = Tensor.From(device, Shape.Of(1, b, d), vectors, "vectors");
        using var packed = PackedVectors.Pack(v);
        using var distance = Tensor.Rent(device, Shape.Of(1, m, 1), "distance");
        using var index = Tensor.Rent(device, Shape.Of(1, m, 1), "index");
        var (expected, nearest) = BruteForce(queries, vectors, d, null, null);
        foreach (var (_, forward) in NearestVector.Ladder)
        {
            forward(q, packed, distance, index);
            Assert.Equal(expected, distance.ToArray());
            Assert.Equal(nearest, index.ToArray());
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void SumsThatOnlyTheirOrderTellsApartAreTheHosts(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int d = 24, b = 200;
        float[] numbers = Gradients.Random(d, seed: 1), vectors = new float[b * d];
        var random = new Random(2);
        for (int j = 0; j < b; j++)
        {
            random.Shuffle(numbers);
            numbers.CopyTo(vectors.AsSpan(j * d));
        }
        // To a query of equal numbers each has the same differences, in an order of its own.
        AssertExact(lease.Device, [.. Enumerable.Range(0, 30 * d).Select(i => i / d * 0.1f)], vectors, d);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void PassesOverItsOwnGroup(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int m = 40, b = 130, d = 24;
        float[] vectors = Gradients.Random(b * d, seed: 1), queries = vectors[..(m * d)];
        float[] vectorGroups = [.. Enumerable.Range(0, b).Select(j => (float)(j / 10))],
            queryGroups = vectorGroups[..m];
        AssertExact(lease.Device, queries, vectors, d, queryGroups, vectorGroups);
        var (distance, index) = Run(lease.Device, queries, vectors, d, queryGroups, [.. vectorGroups.Select(_ => 0f)]);
        Assert.Equal([.. queryGroups.Select(g => g == 0 ? float.PositiveInfinity : 0)], distance);
        Assert.Equal([.. queryGroups.Select((g, i) => g == 0 ? -1f : i)], index);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void ReadsSlicesAndWritesNothingBeside(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var queries = new Slice(lease.Device, new(2, 3, 5, 20), seed: 1);
        using var vectors = new Slice(lease.Device, Shape.Of(1, 37, 20), seed: 2);
        using var distance = new Slice(lease.Device, new(2, 3, 5, 1), seed: 3);
        using var index = new Slice(lease.Device, new(2, 3, 5, 1), seed: 4);
        NearestVector.Forward(queries.Tensor, vectors.Tensor, distance.Tensor, index.Tensor);
        var (d, j) = BruteForce(queries.Values, vectors.Values, 20, null, null);
        Assert.Equal(d, distance.Tensor.ToArray());
        Assert.Equal(j, index.Tensor.ToArray());
        distance.AssertGapsUntouched();
        index.AssertGapsUntouched();
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void AQueryThatIsNotFiniteHasNoDistance(string id)
    {
        using var lease = TestDevices.Borrow(id);
        float[] queries = [1, 2, float.NaN, 4, float.PositiveInfinity, 5], vectors = [1, 2, 3, 4];
        var (distance, index) = Run(lease.Device, queries, vectors, 2, null, null);
        Assert.Equal([0, float.NaN, float.NaN], distance);
        Assert.Equal([0, -1, -1], index);
        Assert.Throws<ArgumentException>(() => Run(lease.Device, vectors, [1, float.NaN], 2, null, null));
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void HugeNumbersAreComparedExactly(string id)
    {
        using var lease = TestDevices.Borrow(id);
        AssertExact(lease.Device, [3e19f, 0, 1e19f, 1e19f], [2.9e19f, 0, 0, 1e19f, 3e19f, 1e12f], 2);
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void GradientsAreThoseOfTheDistance(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int m = 12, b = 9, d = 20;
        float[] queries = Gradients.Random(m * d, seed: 1), vectors = Gradients.Random(b * d, seed: 2),
            upstream = Gradients.Random(m, seed: 3);
        vectors.AsSpan(0, d).CopyTo(queries);   // at distance 0 the gradient is 0
        upstream[0] = 0;                        // where differences would not be
        var device = lease.Device;
        using var q = Tensor.From(device, Shape.Of(1, m, d), queries, "q");
        using var v = Tensor.From(device, Shape.Of(1, b, d), vectors, "v");
        using var distance = Tensor.Rent(device, Shape.Of(1, m, 1), "d");
        using var index = Tensor.Rent(device, Shape.Of(1, m, 1), "i");
        using var dd = Tensor.From(device, Shape.Of(1, m, 1), upstream, "dd");
        using var dq = Tensor.From(device, q.Shape, queries, "dq");
        using var dv = Tensor.From(device, v.Shape, vectors, "dv");
        NearestVector.Forward(q, v, distance, index);
        NearestVector.QueryGradient(q, v, distance, index, dd, dq);
        NearestVector.VectorGradient(q, v, distance, index, dd, dv);
        float[] once = dq.ToArray(), vectorsOnce = dv.ToArray();
        Gradients.Check(inputs => Gradients.Dot(upstream, Run(device, inputs[0], inputs[1], d, null, null).Distance),
            [queries, vectors], [once, vectorsOnce], h: 1e-3, tolerance: 5e-3);
        NearestVector.QueryGradient(q, v, distance, index, dd, dq, add: true);
        NearestVector.VectorGradient(q, v, distance, index, dd, dv, add: true);
        Assert.All(dq.ToArray().Zip(once), pair => Assert.Equal(2 * pair.Second, pair.First, 1e-5f));
        Assert.All(dv.ToArray().Zip(vectorsOnce), pair => Assert.Equal(2 * pair.Second, pair.First, 1e-4f));
        Assert.All(once[..d], g => Assert.Equal(0, g));
    }

    [Fact]
    public void ThreadsAndBatchesGiveTheSameBytes()
    {
        const int m = 333, b = 700, d = 40;
        float[] queries = Gradients.Random(m * d, seed: 1), vectors = Gradients.Random(b * d, seed: 2);
        using Device one = Device.Open("cpu", 1), three = Device.Open("cpu", 3);
        var (distance, index) = Run(one, queries, vectors, d, null, null);
        var (again, same) = Run(three, queries, vectors, d, null, null);
        Assert.Equal(distance, again);
        Assert.Equal(index, same);
        var (part, _) = Run(three, queries[(100 * d)..(117 * d)], vectors, d, null, null);
        Assert.Equal(distance[100..117], part);
    }

    private static void AssertExact(Device device, float[] queries, float[] vectors, int d, float[]? queryGroups = null,
        float[]? vectorGroups = null)
    {
        var (distance, index) = Run(device, queries, vectors, d, queryGroups, vectorGroups);
        var (expected, nearest) = BruteForce(queries, vectors, d, queryGroups, vectorGroups);
        Assert.Equal(nearest, index);
        Assert.Equal(expected, distance);
    }

    private static (float[] Distance, float[] Index) Run(Device device, float[] queries, float[] vectors, int d,
        float[]? queryGroups, float[]? vectorGroups)
    {
        int m = queries.Length / d, b = vectors.Length / d;
        using var q = Tensor.From(device, Shape.Of(1, m, d), queries, "queries");
        using var v = Tensor.From(device, Shape.Of(1, b, d), vectors, "vectors");
        using var distance = Tensor.Rent(device, Shape.Of(1, m, 1), "distance");
        using var index = Tensor.Rent(device, Shape.Of(1, m, 1), "index");
        using var qg = queryGroups is null ? null : Tensor.From(device, Shape.Of(m), queryGroups, "query groups");
        using var vg = vectorGroups is null ? null : Tensor.From(device, Shape.Of(b), vectorGroups, "vector groups");
        NearestVector.Forward(q, v, distance, index, qg, vg);
        return (distance.ToArray(), index.ToArray());
    }

    /// <summary>The contract, word for word.</summary>
    internal static (float[] Distance, float[] Index) BruteForce(float[] queries, float[] vectors, int d,
        float[]? queryGroups, float[]? vectorGroups)
    {
        int m = queries.Length / d, b = vectors.Length / d;
        var (distance, index) = (new float[m], new float[m]);
        for (int i = 0; i < m; i++)
        {
            double least = double.PositiveInfinity;
            index[i] = -1;
            for (int j = 0; j < b; j++)
            {
                if (queryGroups is not null && queryGroups[i] == vectorGroups![j]) continue;
                double sum = 0;
                for (int k = 0; k < d; k++)
                {
                    double difference = (double)queries[i * d + k] - vectors[j * d + k];
                    sum += difference * difference;
                }
                if (sum < least) (least, index[i]) = (sum, j);
            }
            distance[i] = (float)Math.Sqrt(least);
        }
        return (distance, index);
    }
}
