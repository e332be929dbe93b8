namespace MlffAd.Tests.Kernels;

public sealed class LossesTests
{
    private static readonly LossOptions Paper = new(1, 1, 1, Gamma: 2.5f, Lambda: 5, PairAll: false, Patch: 2,
        Temperature: 1);

    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void ValuesAndGradientsEqualFloat64(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Shape shape = new(2, 8, 6, 11);
        float[] features = Gradients.Random((int)shape.Count, seed: 1);
        float[] scores = Gradients.Random(shape.Rows, seed: 2, scale: 6);
        float[] labels = [.. Gradients.Random(shape.Rows, seed: 3).Select((v, i) => i % shape.W < 3 && v > 0.2f
            ? 1f
            : 0f)];
        foreach (var o in new[] { Paper with { Temperature = 0.7f },
            new(0.3f, 2, 5, 1, 4, PairAll: true, Patch: 1, Temperature: 2), Paper with
        {
            Alpha = 0,
            Beta = 0,
            Xi = 50,
        } })
        {
            using var wide = Tensor.Rent(lease.Device, shape.WithC(2 * shape.C + 4), "maps");
            Tensor F = wide.Slice(0, shape.C), dF = wide.Slice(shape.C, shape.C);
            Tensor S = wide.Slice(2 * shape.C, 1);
            Tensor dS = wide.Slice(2 * shape.C + 1, 1);
            Tensor y = wide.Slice(2 * shape.C + 3, 1);
            using var values = Tensor.Rent(lease.Device, Shape.Of(4), "values");
            F.Write(features);
            S.Write(scores);
            y.Write(labels);
            Losses.Evaluate(F, S, y, o, values, dF, dS, upstream: 0.5f);
            double[] expected = Reference(features, scores, labels, shape, o);
            Assert.All(expected.Zip(values.ToArray()),
                p => Assert.Equal(p.First, p.Second, 1e-5 * Math.Max(1, Math.Abs(p.First))));
            Gradients.Check(x => 0.5 * Reference(x[0], x[1], labels, shape, o)[0], [features, scores],
                [dF.ToArray(), dS.ToArray()], h: 1e-3);
            Losses.Evaluate(F, S, y, o, values, null, null);
            Assert.All(expected.Zip(values.ToArray()),
                p => Assert.Equal(p.First, p.Second, 1e-5 * Math.Max(1, Math.Abs(p.First))));
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void TermsWithoutCellsAreZeroAndNothingIsNaN(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Shape shape = new(1, 4, 4, 3);
        float[] features = new float[shape.Count];
        float[] scores = Gradients.Random(16, seed: 2, scale: 6);   // F = 0: the centre itself
        foreach (bool all in new[] { false, true })
            foreach (float label in new[] { 0f, 1f })
            {
                using var F = Tensor.From(lease.Device, shape, features, "F");
                using var S = Tensor.From(lease.Device, shape.WithC(1), scores, "S");
                using var y = Tensor.Rent(lease.Device, shape.WithC(1), "y");
                using var dF = Tensor.Rent(lease.Device, shape, "dF");
                using var dS = Tensor.Rent(lease.Device, S.Shape, "dS");
                using var values = Tensor.Rent(lease.Device, Shape.Of(4), "values");
                Pointwise.Fill(y, label);
                var o = Paper with { PairAll = all };
                Losses.Evaluate(F, S, y, o, values, dF, dS);
                double[] expected = Reference(features, scores, [.. Enumerable.Repeat(label, 16)], shape, o);
                Assert.All(expected.Zip(values.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-5));
                Assert.All(dF.ToArray(), v => Assert.Equal(0, v));
                Assert.All(dS.ToArray(), v => Assert.True(float.IsFinite(v)));
                if (label == 1) Assert.Equal(0.5 * -Math.Log(1e-6), values.ToArray()[1], 1e-5);
            }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void DistanceKeepsItsDigitsNearTheCentreAndItsGradientEqualsFiniteDifferences(string id)
    {
        using var lease = TestDevices.Borrow(id);
        Shape shape = new(1, 2, 3, 9);
        foreach (float scale in new[] { 1e-6f, 1, 1e3f })
        {
            float[] features = Gradients.Random((int)shape.Count, seed: 1, scale);
            float[] upstream = Gradients.Random(6, seed: 2);
            float[] old = Gradients.Random(features.Length, seed: 3);
            using var F = Tensor.From(lease.Device, shape, features, "F");
            using var S = Tensor.Rent(lease.Device, shape.WithC(1), "S");
            using var dF = Tensor.From(lease.Device, shape, old, "dF");
            Losses.Distance(F, S);
            double[] expected = Distances(features, shape.C);
            Assert.All(expected.Zip(S.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-6 * p.First));
            S.Write(upstream);
            Losses.DistanceGradient(F, S, dF);
            float[] alone = dF.ToArray();
            Gradients.Check(x => Distances(x[0], shape.C).Zip(upstream, (a, u) => a * u).Sum(), [features], [alone],
                h: 1e-2 * scale);
            dF.Write(old);
            Losses.DistanceGradient(F, S, dF, add: true);
            Assert.All(alone.Zip(old, (a, o) => a + o).Zip(dF.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-6));
        }
    }

    [Fact]
    public void ShareIsExactFromTheCentreToFarAway()
    {
        for (double a = 1e-9; a < 50; a *= 1.1)
        {
            double exact = a < 1e-5 ? a - a * a / 2 : 1 - Math.Exp(-(double)(float)a);
            Assert.Equal(exact, Losses.Share((float)a), 4e-7 * exact);
        }
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        static float[][] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            Shape shape = new(3, 16, 16, 40);
            using var F = Tensor.From(device, shape, Gradients.Random((int)shape.Count, seed: 1), "F");
            using var S = Tensor.From(device, shape.WithC(1), Gradients.Random(shape.Rows, seed: 2, scale: 6), "S");
            using var y = Tensor.From(device, S.Shape,
                [.. Gradients.Random(shape.Rows, seed: 3).Select(v => v > 0.8f ? 1f : 0f)], "y");
            using var dF = Tensor.Rent(device, shape, "dF");
            using var dS = Tensor.Rent(device, S.Shape, "dS");
            using var values = Tensor.Rent(device, Shape.Of(4), "values");
            Losses.Evaluate(F, S, y, Paper with { PairAll = true }, values, dF, dS);
            return [values.ToArray(), dF.ToArray(), dS.ToArray()];
        }
        Assert.Equal(One(1), One(2));
    }

    private static double[] Distances(float[] F, int C) => [.. F.Chunk(C).Select(row =>
    {
        double q = Gradients.Dot(row, row);
        return q / (Math.Sqrt(q + 1) + 1);
    })];

    /// <summary>Total, L_f, L_s, L_fs as the specification words them, in float64.</summary>
    private static double[] Reference(float[] F, float[] S, float[] y, Shape shape, LossOptions o)
    {
        double[] A = Distances(F, shape.C);
        int[] good = [.. Enumerable.Range(0, y.Length).Where(i => y[i] == 0)];
        int[] bad = [.. Enumerable.Range(0, y.Length).Where(i => y[i] != 0)];
        double Mean(int[] cells, Func<int, double> term) => cells.Length == 0 ? 0 : cells.Average(term);
        double lf = Mean(good, i => A[i]) / 2 + Mean(bad, i => -Math.Log(Math.Max(1 - Math.Exp(-A[i]), 1e-6))) / 2;
        double centre = Mean(good, i => S[i]);
        double ls = Mean(good, i => Math.Max(0, S[i] - o.Gamma)) + Mean(bad, j => o.PairAll && good.Length > 0
            ? good.Average(i => Math.Max(0, (double)o.Lambda - (S[j] - (double)S[i])))
            : Math.Max(0, o.Lambda - (S[j] - centre)));

        int p = o.Patch, rows = shape.H / p, columns = shape.W / p;
        double lfs = 0;
        for (int n = 0; n < shape.N; n++)
        {
            List<(double[] F, double S)> patches = [];
            for (int patch = 0; patch < rows * columns; patch++)
            {
                int[] cells = [.. Enumerable.Range(0, p * p)
                    .Select(k => (n * shape.H + patch / columns * p + k / p) * shape.W + patch % columns * p + k % p)];
                if (cells.All(i => y[i] == 0))
                    patches.Add(
                        ([.. Enumerable.Range(0, shape.C).Select(c => cells.Average(i => (double)F[i * shape.C + c]))],
                            cells.Average(i => (double)S[i])));
            }
            if (patches.Count < 2) continue;
            lfs += patches.Average(a =>
            {
                double[] P = LogSoftmax(
                    patches.Select(b =>
                        Math.Sqrt(a.F.Zip(b.F, (u, v) => (u - v) * (u - v)).Sum() + 1e-8) / o.Temperature));
                double[] Q =
                    LogSoftmax(patches.Select(b => Math.Sqrt((a.S - b.S) * (a.S - b.S) + 1e-8) / o.Temperature));
                return Q.Zip(P, (q, r) => Math.Exp(q) * (q - r)).Sum();
            }) / shape.N;
        }
        return [o.Alpha * lf + o.Beta * ls + o.Xi * lfs, lf, ls, lfs];
    }

    private static double[] LogSoftmax(IEnumerable<double> x)
    {
        double[] v = [.. x];
        double max = v.Max(), norm = max + Math.Log(v.Sum(e => Math.Exp(e - max)));
        return [.. v.Select(e => e - norm)];
    }
}
