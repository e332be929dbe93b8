namespace MlffAd.Tests.Kernels;

public sealed class CellsTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void PlacesAreRowsAndColumnsOfOblongMapsToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var step = Tensor.From(lease.Device, Shape.Of(1), [0.25f], "step");
        using var y = new Slice(lease.Device, new(2, 3, 5, 2), seed: 1);
        Cells.Place(step, y.Tensor);
        Assert.Equal([.. Enumerable.Range(0, 30).SelectMany(i => new[] { 0.25f * (i / 5 % 3), 0.25f * (i % 5) })],
            y.Tensor.ToArray());
        y.AssertGapsUntouched();
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void DistancesAreStandardisedByPlaceAndByVector(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int places = 6;
        float[] scales = Gradients.Random(2 * places, seed: 2), upstream = Gradients.Random(2 * places, seed: 3);
        float[] indices = [0, 5, 3, 3, -1, 1, 2, 4, 0, 0, 5, -1];
        using var d = new Slice(lease.Device, new(2, 2, 3, 1), seed: 1);
        using var s = Tensor.From(lease.Device, Shape.Of(1, places, 2), scales, "scales");
        using var index = Tensor.From(lease.Device, d.Tensor.Shape, indices, "index");
        using var y = Tensor.Rent(lease.Device, d.Tensor.Shape, "y");
        using var dy = Tensor.From(lease.Device, y.Shape, upstream, "dy");
        foreach (var which in new[] { null, index })
        {
            int Row(int i) => which is null ? i % places : (int)indices[i];
            float Expected(float[] values, int i) =>
                Row(i) < 0 ? values[i] : (values[i] - scales[2 * Row(i)]) * scales[2 * Row(i) + 1];
            Cells.Standardise(d.Tensor, which, s, y);
            Assert.All(y.ToArray().Select((v, i) => (v, i)), e => Assert.Equal(Expected(d.Values, e.i), e.v, 1e-6f));
            Cells.StandardiseGradient(dy, which, s, y);
            Gradients.Check(inputs => inputs[0].Select((_, i) => (double)upstream[i] * Expected(inputs[0], i))
                .Sum(), [d.Values], [y.ToArray()]);
            float[] once = y.ToArray();
            Cells.StandardiseGradient(dy, which, s, y, add: true);
            Assert.All(y.ToArray().Zip(once), pair => Assert.Equal(2 * pair.Second, pair.First, 1e-6f));
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void LocalMeansAreOfTheNeighboursThereAre(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var window in new[] { LocalWindow.Box(1), LocalWindow.Gaussian(0.5), LocalWindow.Gaussian(1.7),
            LocalWindow.Box(0) })
            foreach (var shape in new[] { new Shape(2, 5, 7, 3), new Shape(1, 1, 4, 9), new Shape(1, 3, 3, 16) })
            {
                using var x = new Slice(lease.Device, shape, seed: 1);
                using var y = new Slice(lease.Device, shape, seed: 2);
                LocalMean.Forward(x.Tensor, y.Tensor, window);
                float[] expected = Definition(x.Values, shape, window);
                Assert.All(y.Tensor.ToArray().Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 2e-6f));
                y.AssertGapsUntouched();
                float[] upstream = Gradients.Random((int)shape.Count, seed: 3);
                using var dy = Tensor.From(lease.Device, shape, upstream, "dy");
                LocalMean.Gradient(dy, y.Tensor, window);
                float[] once = y.Tensor.ToArray();
                Gradients.Check(inputs => Gradients.Dot(upstream, Definition(inputs[0], shape, window)), [x.Values],
                    [once]);
                LocalMean.Gradient(dy, y.Tensor, window, add: true);
                Assert.All(y.Tensor.ToArray().Zip(once), pair => Assert.Equal(2 * pair.Second, pair.First, 2e-6f));
            }
    }

    private static float[] Definition(float[] x, Shape s, LocalWindow window)
    {
        float[] y = new float[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            int c = i % s.C, p = i / s.C, column = p % s.W, row = p / s.W % s.H;
            double sum = 0, weights = 0;
            for (int q = p / s.Area * s.Area; q < (p / s.Area + 1) * s.Area; q++)
            {
                int dy = q / s.W % s.H - row, dx = q % s.W - column;
                if (Math.Max(Math.Abs(dy), Math.Abs(dx)) > window.Radius) continue;
                double a = double.IsInfinity(window.Sigma) ? 1
                    : Math.Exp(-(dy * dy + dx * dx) / (2 * window.Sigma * window.Sigma));
                (sum, weights) = (sum + a * x[q * s.C + c], weights + a);
            }
            y[i] = (float)(sum / weights);
        }
        return y;
    }
}
