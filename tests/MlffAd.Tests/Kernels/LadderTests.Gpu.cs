using MlffAd.Tests.CommandLine;

namespace MlffAd.Tests.Kernels;

/// <summary>Every rung of the GPU's ladders computes the same (the product's:
/// <see cref="TensorCoreProductTests"/>).</summary>
public sealed class LadderTests
{
    public static TheoryData<string> Timed =>
        [.. TestDevices.Timed.Where(row => row.Data != "cpu").Select(row => row.Data)];

    public static TheoryData<string> Gpus =>
        [.. TestDevices.Fast.Where(row => row.Data != "cpu").Select(row => row.Data)];

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void BatchNormalisationsRungsGiveTheGradient(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // Rows of several blocks, the last short; channels of several groups.
        foreach (var shape in new[] { new Shape(1, 5, 3, 4), new Shape(2, 13, 11, 72) })
        {
            const float eps = 1e-5f;
            int count = (int)shape.Count, channels = shape.C, rows = count / channels;
            var tensors = new List<Tensor>();
            Tensor New(Shape s, float[] values)
            {
                tensors.Add(Tensor.From(lease.Device, s, values, "operand"));
                return tensors[^1];
            }
            Tensor Empty(Shape s) => New(s, [.. Enumerable.Repeat(float.NaN, (int)s.Count)]);
            float[] xv = Gradients.Random(count, seed: 1);
            float[] yv = Gradients.Random(count, seed: 2);
            float[] dyv = Gradients.Random(count, seed: 3);
            float[] meanv = Gradients.Random(channels, seed: 4);
            float[] gammav = Gradients.Random(channels, seed: 5);
            float[] variancev = [.. Gradients.Random(channels, seed: 6).Select(v => v * v + 0.3f)];
            double[] dbeta = new double[channels], dgamma = new double[channels];
            double Dz(int i) => yv[i] > 0 ? dyv[i] : 0;
            double Normalised(int i) => (xv[i] - meanv[i % channels]) / Math.Sqrt(variancev[i % channels] + eps);
            for (int i = 0; i < count; i++)
            {
                dbeta[i % channels] += Dz(i);
                dgamma[i % channels] += Dz(i) * Normalised(i);
            }
            double[] dx = [.. Enumerable.Range(0, count)
                .Select(i =>
                    gammav[i % channels] / Math.Sqrt(variancev[i % channels] + eps) * (Dz(i)
                        - (dbeta[i % channels] + Normalised(i) * dgamma[i % channels]) / rows))];
            var vector = Shape.Of(channels);
            foreach (var (name, run) in BatchNorm.GradientLadder)
            {
                var maps = new BatchNorm.Maps(New(shape, xv), New(shape, yv), New(shape, dyv)) { Dx = Empty(shape) };
                var vectors = new BatchNorm.Vectors(
                    New(vector, meanv), New(vector, variancev), New(vector, gammav), Empty(vector))
                { Eps = eps };
                var t = new BatchNorm.LadderOperands(maps, vectors, Empty(vector), Empty(vector));
                run(t);
                AssertClose(dx, t.Maps.Dx!, name);
                AssertClose(dgamma, t.Dgamma, name);
                AssertClose(dbeta, t.Dbeta, name);
            }
            tensors.ForEach(t => t.Dispose());
        }
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void CoOccurrencesRungsGiveTheRowsOfTheDefinition(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var (q, side) in new[] { (new Quantization(8, LevelPlacement.Centre, LevelBand.Half), 9),
            (new Quantization(3, LevelPlacement.Centre, LevelBand.Spacing), 5),
                (new Quantization(16, LevelPlacement.Centre, LevelBand.Absolute), 1) })
        {
            const int images = 2, regions = 3;
            using var m = Tensor.From(lease.Device, Shape.Of(images, regions * side * side, 1),
                Gradients.Random(images * regions * side * side, seed: 7), "m");
            using var codes = Tensor.Rent(lease.Device, Shape.Of(images, regions * side * side, q.Levels), "codes");
            float[]? rows = null, range = null;
            foreach (var (name, run) in QuantizeCount2D.ForwardLadder.Reverse())
            {
                using var gotRange = Tensor.Rent(lease.Device, Shape.Of(images, regions, 4), "range");
                using var gotRows =
                    Tensor.Rent(lease.Device, Shape.Of(images, regions * q.Levels * q.Levels, 3), "rows");
                gotRows.Write([.. Enumerable.Repeat(float.NaN, (int)gotRows.Count)]);
                run(new(m, regions, q, codes, gotRange, gotRows));
                // The last rung is the operator, which has tests of its own.
                rows ??= gotRows.ToArray();
                range ??= gotRange.ToArray();
                Assert.Equal(range, gotRange.ToArray());
                AssertClose([.. rows.Select(v => (double)v)], gotRows, $"{name}, {q}");
            }
        }
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void AttentionsRungsGiveTheResultAndTheGradients(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int items = 2, levels = 21, c = 12, w = 20;
        Slice New(int channels, int seed) => new(lease.Device, Shape.Of(items, levels, channels), seed);
        foreach (var (_, run) in Attention.Ladder)
        {
            using Slice k = New(c, 1), q = New(c, 2), v = New(w, 3), weights = New(levels, 4);
            using Slice y = New(w, 5), dy = New(w, 6), slopes = New(levels, 7), dk = New(c, 8);
            using Slice dq = New(c, 9), dv = New(w, 10);
            run(new(k.Tensor, q.Tensor, v.Tensor, weights.Tensor, y.Tensor, dy.Tensor, slopes.Tensor, dk.Tensor,
                dq.Tensor, dv.Tensor));
            var expected = AttentionTests.Expected(items, levels, c, w, k.Values, q.Values, v.Values, dy.Values);
            foreach (var (values, tensor) in new[] { (expected.A, weights), (expected.Y, y), (expected.Dk, dk),
                (expected.Dq, dq), (expected.Dv, dv) }) AttentionTests.AssertClose(values, tensor.Tensor, null);
        }
    }

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void TheNearestVectorsRungsGiveTheDefinition(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int m = 70, b = 150, d = 33;
        using var queries = new Slice(lease.Device, Shape.Of(1, m, d), seed: 1);
        using var vectors = new Slice(lease.Device, Shape.Of(1, b, d), seed: 2);
        using var distance = new Slice(lease.Device, Shape.Of(1, m, 1), seed: 3);
        using var index = new Slice(lease.Device, Shape.Of(1, m, 1), seed: 4);
        using var packed = PackedVectors.Pack(vectors.Tensor);
        var (distances, indices) = NearestVectorTests.BruteForce(queries.Values, vectors.Values, d, null, null);
        foreach (var (_, run) in NearestVector.ForwardLadder)
        {
            run(new(queries.Tensor, packed, distance.Tensor, index.Tensor));
            Assert.Equal(distances, distance.Tensor.ToArray());
            Assert.Equal(indices, index.Tensor.ToArray());
        }
    }

    [DeviceTheory, MemberData(nameof(Timed))]
    public void TheBenchTimesEveryRung(string id)
    {
        string page = Path.GetTempFileName();
        File.WriteAllText(page, "<!-- bench ladders gpu -->\nold\n<!-- /bench ladders gpu -->\n");
        var run = CommandRun.Of("bench", "ladders", "--device", id, "--rounds", "1", "--batch", "1", "--update", page);
        Assert.Equal((0, ""), (run.Code, run.Error));
        foreach (var (name, _) in BatchNorm.GradientLadder) Assert.Contains($"| {name} |", run.Output,
            StringComparison.Ordinal);
        foreach (var (name, _) in QuantizeCount2D.ForwardLadder) Assert.Contains($"| {name} |", run.Output,
            StringComparison.Ordinal);
        foreach (var (name, _) in Attention.Ladder) Assert.Contains($"| {name} |", run.Output,
            StringComparison.Ordinal);
        foreach (var (name, _) in NearestVector.ForwardLadder) Assert.Contains($"| {name} |", run.Output,
            StringComparison.Ordinal);
        Assert.Equal($"<!-- bench ladders gpu -->\n{run.Output}<!-- /bench ladders gpu -->\n", File.ReadAllText(page));
        File.Delete(page);
    }

    [Fact]
    public void AProcessorHasNoSuchLadders() =>
    Assert.Equal((int)ExitCode.Usage, CommandRun.Of("bench", "ladders", "--device", "cpu").Code);

    private static void AssertClose(double[] expected, Tensor got, string what)
    {
        float[] values = got.ToArray();
        double size = expected.Max(Math.Abs);
        for (int i = 0; i < values.Length; i++)
            Assert.True(Math.Abs(values[i] - expected[i]) <= 2e-6 * size,
                $"{what}: {got}[{i}] is {values[i]}, not {expected[i]}.");
    }
}
