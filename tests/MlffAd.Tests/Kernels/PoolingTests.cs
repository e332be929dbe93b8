namespace MlffAd.Tests.Kernels;

public sealed class PoolingTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void MaximaAndTheirGradientsEqualTheLoopsInSlicesToo(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var (shape, k, stride, pad) in new[] { (new Shape(1, 1, 1, 1), 3, 2, 1),
            (new Shape(2, 7, 10, 9), 3, 2, 1), (new Shape(1, 6, 5, 16), 2, 2, 0), (new Shape(1, 9, 7, 3), 3, 1, 2) })
        {
            Shape out_ = shape with
            {
                H = (shape.H + 2 * pad - k) / stride + 1,
                W = (shape.W + 2 * pad - k) / stride + 1,
            };
            // Few distinct values, all negative: ties are common, and a border of zeros would win if it could.
            float[] values = [.. Gradients.Random((int)shape.Count, seed: 1).Select(v => MathF.Round(2 * v) - 5)];
            float[] upstream = Gradients.Random((int)out_.Count, seed: 2);
            float[] old = Gradients.Random(values.Length, seed: 3);
            using var wideX = Tensor.Rent(lease.Device, shape.WithC(2 * shape.C + 3), "x");
            using var wideY = Tensor.Rent(lease.Device, out_.WithC(3 * out_.C + 1), "y");
            Tensor x = wideX.Slice(1, shape.C);
            Tensor dx = wideX.Slice(shape.C + 2, shape.C);
            Tensor y = wideY.Slice(0, out_.C);
            Tensor index = wideY.Slice(out_.C + 1, out_.C);
            Tensor dy = wideY.Slice(2 * out_.C + 1, out_.C);
            x.Write(values);
            dy.Write(upstream);
            dx.Write(old);
            Pooling.Max(x, y, index, k, stride, pad);
            Pooling.MaxGradient(dy, index, dx, k, stride, pad, add: true);

            var (maxima, winners, gradient) = (new float[out_.Count], new float[out_.Count], (float[])old.Clone());
            for (int o = 0; o < maxima.Length; o++)
            {
                int c = o % shape.C, r = o / shape.C, n = r / out_.Area, i = r / out_.W % out_.H;
                int j = r % out_.W, at = -1;
                for (int tap = 0; tap < k * k; tap++)
                {
                    int h = i * stride - pad + tap / k, w = j * stride - pad + tap % k;
                    int e = ((n * shape.H + h) * shape.W + w) * shape.C + c;
                    if (h < 0 || w < 0 || h >= shape.H || w >= shape.W || (at >= 0 && values[e] <= values[at]))
                        continue;
                    (at, winners[o]) = (e, tap);
                }
                maxima[o] = values[at];
                gradient[at] += upstream[o];
            }
            Assert.Equal(maxima, y.ToArray());
            Assert.Equal(winners, index.ToArray());
            y.Write(new float[y.Count]);
            Pooling.Max(x, y, null, k, stride, pad);
            Assert.Equal(maxima, y.ToArray());
            Assert.All(gradient.Zip(dx.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-5));
            Pooling.MaxGradient(dy, index, dx, k, stride, pad);
            Assert.All(gradient.Zip(old, (g, o) => g - o).Zip(dx.ToArray()),
                p => Assert.Equal(p.First, p.Second, 1e-5));
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void NaNIsNotLostInAMaximum(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // one by one, and in fours
        foreach (var (place, channels) in Enumerable.Range(0, 8).Select(i => (i % 4, i < 4 ? 9 : 8)))
        {
            float[] values = Gradients.Random(4 * channels, seed: place);
            values.AsSpan(channels * place, channels).Fill(float.NaN);
            using var x = Tensor.From(lease.Device, new Shape(1, 2, 2, channels), values, "x");
            using var y = Tensor.Rent(lease.Device, new Shape(1, 1, 1, channels), "y");
            using var index = Tensor.Rent(lease.Device, y.Shape, "index");
            Pooling.Max(x, y, index, 2, 2, 0);
            Assert.All(y.ToArray(), v => Assert.True(float.IsNaN(v)));
            Assert.All(index.ToArray(), v => Assert.Equal(place, v));
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void BlockMeansAndRepetitionAreEachOthersGradients(string id)
    {
        using var lease = TestDevices.Borrow(id);
        // Small and large blocks, whole maps, rows of levels, more channels than a host body sums at a time.
        foreach (var (fine, coarse) in new[] { (new Shape(2, 6, 4, 9), new Shape(2, 3, 2, 9)),
            (new Shape(1, 16, 24, 19), new Shape(1, 2, 2, 19)),
            (new Shape(2, 9, 11, 1), new Shape(2, 1, 1, 1)), (Shape.Of(3, 5 * 7, 10), Shape.Of(3, 5, 10)),
                (new Shape(1, 2, 2, 300), new Shape(1, 1, 1, 300)) })
        {
            float[] values = Gradients.Random((int)fine.Count, seed: 1);
            float[] small = Gradients.Random((int)coarse.Count, seed: 2);
            using var wideX = Tensor.Rent(lease.Device, fine.WithC(fine.C + 3), "fine");
            using var wideY = Tensor.Rent(lease.Device, coarse.WithC(coarse.C + 5), "coarse");
            Tensor x = wideX.Slice(2, fine.C), y = wideY.Slice(4, coarse.C);
            int area = fine.Area / coarse.Area, bh = fine.H / coarse.H, bw = fine.W / coarse.W;
            int CoarseOf(int i)
            {
                int c = i % fine.C, r = i / fine.C;
                return ((r / fine.Area * coarse.H + r / fine.W % fine.H / bh) * coarse.W + r % fine.W / bw) * fine.C
                    + c;
            }
            double[] sums = new double[coarse.Count];
            for (int i = 0; i < values.Length; i++) sums[CoarseOf(i)] += values[i];

            x.Write(values);
            Pooling.RegionMean(x, y);
            Assert.All(sums.Zip(y.ToArray()), p => Assert.Equal(p.First / area, p.Second, 1e-6));
            y.Write(small);
            Blocks.Sum(x, y, add: true);
            Assert.All(sums.Zip(small, (s, o) => s + o).Zip(y.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-4));

            y.Write(small);
            Pooling.RegionMeanGradient(y, x, add: true);
            Assert.All(x.ToArray().Select((v, i) => (v, values[i] + small[CoarseOf(i)] / area)),
                p => Assert.Equal(p.Item2, p.v, 1e-6));
            Blocks.Spread(y, x);
            Assert.Equal(Enumerable.Range(0, values.Length).Select(i => small[CoarseOf(i)]), x.ToArray());
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void RowsAreAveragedAndRepeatedInOrder(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var x = Tensor.From(lease.Device, Shape.Of(1, 4, 2), [1, 2, 3, 4, 10, 20, 30, 40], "x");
        using var y = Tensor.Rent(lease.Device, Shape.Of(1, 2, 2), "y");
        Pooling.RowMean(x, y);
        Assert.Equal([2, 3, 20, 30], y.ToArray());
        Broadcast.Rows(y, x);
        Assert.Equal([2, 3, 2, 3, 20, 30, 20, 30], x.ToArray());
        Broadcast.RowsGradient(x, y, add: true);
        Assert.Equal([6, 9, 60, 90], y.ToArray());
        Pooling.RowMeanGradient(y, x);
        Assert.Equal([3, 4.5f, 3, 4.5f, 30, 45, 30, 45], x.ToArray());
    }

    [Fact]
    public void OneAndTwoThreadsGiveTheSameBytes()
    {
        static float[][] One(int threads)
        {
            using var device = Device.Open("cpu", threads);
            Shape shape = new(3, 32, 32, 40), half = new(3, 16, 16, 40);
            using var x = Tensor.From(device, shape, Gradients.Random((int)shape.Count, seed: 1), "x");
            using var y = Tensor.Rent(device, half, "y");
            using var index = Tensor.Rent(device, half, "index");
            using var g = Tensor.Rent(device, new Shape(3, 2, 2, 40), "g");
            Pooling.Max(x, y, index, 3, 2, 1);
            Pooling.RegionMean(x, g);
            Pooling.MaxGradient(y, index, x, 3, 2, 1, add: true);
            return [x.ToArray(), y.ToArray(), index.ToArray(), g.ToArray()];
        }
        Assert.Equal(One(1), One(2));
    }

    [Fact]
    public void BlocksThatDoNotTileTheMapAreRefused()
    {
        using var lease = TestDevices.Borrow("cpu");
        using var x = Tensor.Rent(lease.Device, new Shape(1, 5, 6, 2), "map");
        using var y = Tensor.Rent(lease.Device, new Shape(1, 2, 3, 2), "small");
        var e = Assert.Throws<ArgumentException>(() => Pooling.Average(x, y, 2));
        Assert.Contains("'map' [1,5,6,2]", e.Message, StringComparison.Ordinal);
    }
}
