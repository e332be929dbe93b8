using System.Text.Json;
using CsCheck;

namespace MlffAd.Tests.Kernels;

public sealed class ImagingTests
{
    public static TheoryData<string> Devices => TestDevices.All;

    /// <summary>The filter as its definition reads, in float64: every input of every output, rows before columns or
    /// not, it is one sum.</summary>
    private static double[] Reference(byte[] rgb, int height, int width, int outHeight, int outWidth)
    {
        static double[] Weights(int o, int from, int to)
        {
            double f = Math.Max((double)from / to, 1), c = (o + 0.5) * from / to;
            double[] w = [.. Enumerable.Range(0, from).Select(i => Math.Max(0, 1 - Math.Abs(i + 0.5 - c) / f))];
            return [.. w.Select(v => v / w.Sum())];
        }

        var y = new double[3 * outHeight * outWidth];
        for (int i = 0; i < y.Length; i++)
        {
            double[] down = Weights(i / 3 / outWidth, height, outHeight);
            double[] along = Weights(i / 3 % outWidth, width, outWidth);
            for (int r = 0; r < height; r++)
                for (int c = 0; c < width; c++) y[i] += down[r] * along[c] * rgb[3 * (r * width + c) + i % 3];
        }
        return y;
    }

    /// <summary>Rounded half up, or its neighbour where the sum lies a rounding error from a half.</summary>
    private static void AssertRounded(double[] expected, Func<int, double> got, double doubt)
    {
        for (int i = 0; i < expected.Length; i++)
            Assert.True(got(i) == Math.Floor(expected[i] + 0.5 - doubt)
                || got(i) == Math.Floor(expected[i] + 0.5 + doubt), $"{i}: {expected[i]} became {got(i)}");
    }

    [Fact]
    public void ResizingEqualsTheReferenceImagesWithinOneGreyLevel()
    {
        using var file = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "reference", "reference_cases.json")));
        foreach (var c in file.RootElement.GetProperty("resize").EnumerateArray())
        {
            int Number(string name) => c.GetProperty(name).GetInt32();
            byte[] Bytes(string name) => [.. c.GetProperty(name).EnumerateArray().Select(v => v.GetByte())];
            byte[] expected = Bytes("outRgb"), got = new byte[expected.Length];
            AntialiasResize.Forward(Bytes("rgb"), Number("height"), Number("width"), got, Number("outHeight"),
                Number("outWidth"));
            Assert.True(expected.Zip(got, (a, b) => Math.Abs(a - b)).Max() <= Number("tolerance"));
        }
    }

    [Fact]
    public void ResizingAnySizeToAnySizeIsTheTriangleFilterRoundedOnce() =>
        Gen.Select(Gen.Int[1, 70], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int)
            .Sample((width, height, outWidth, outHeight, seed) =>
        {
            var rgb = new byte[3 * width * height];
            new Random(seed).NextBytes(rgb);
            var got = new byte[3 * outWidth * outHeight];
            AntialiasResize.Forward(rgb, height, width, got, outHeight, outWidth);
            AssertRounded(Reference(rgb, height, width, outHeight, outWidth), i => got[i], doubt: 1e-4);
        }, iter: 100);

    [Fact]
    public void AnImageOfTheWantedSizeAndAFlatImageStayAsTheyAre()
    {
        var rgb = new byte[3 * 50 * 40];
        new Random(1).NextBytes(rgb);
        var same = new byte[rgb.Length];
        AntialiasResize.Forward(rgb, 40, 50, same, 40, 50);
        Assert.Equal(rgb, same);
        foreach (byte v in new byte[] { 0, 1, 127, 254, 255 })
        {
            Array.Fill(rgb, v);
            var small = new byte[3 * 7 * 90];
            AntialiasResize.Forward(rgb, 40, 50, small, 7, 90);
            Assert.All(small, b => Assert.Equal(v, b));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void TheOperatorResizesABatchOnEveryDevice(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int n = 3, height = 13, width = 17;
        foreach (var (outHeight, outWidth) in new[] { (5, 6), (13, 17), (20, 9) })
        {
            var rgb = new byte[3 * n * height * width];
            new Random(2).NextBytes(rgb);
            using var bytes = AntialiasResize.Upload(lease.Device, rgb, n, height, width);
            using var y = Tensor.Rent(lease.Device, new Shape(n, outHeight, outWidth, 3), "y");
            AntialiasResize.Forward(bytes, height, width, y);
            float[] got = y.ToArray();
            int size = 3 * outHeight * outWidth;
            for (int i = 0; i < n; i++)
                AssertRounded(Reference(rgb[(i * 3 * height * width)..((i + 1) * 3 * height * width)], height, width,
                    outHeight, outWidth), k => got[i * size + k], doubt: 1e-3);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void NormalisingTakesOffTheMeanInTheNetworksOrderAndScale(string id)
    {
        using var lease = TestDevices.Borrow(id);
        float[] mean = [103.939f, 116.779f, 123.68f], deviation = [1, 2, 4];
        var rgb = new byte[3 * 259];
        new Random(3).NextBytes(rgb);
        foreach (var (bgr, scale) in new[] { (false, 1f), (true, 255f) })
        {
            var how = new PixelNormalisation(bgr, scale, mean, deviation);
            double[] expected = [.. Enumerable.Range(0, rgb.Length)
                .Select(i =>
                    (rgb[bgr ? i - i % 3 + 2 - i % 3 : i] * (double)scale / 255 - mean[i % 3]) / deviation[i % 3])];
            using var x = Tensor.From(lease.Device, new Shape(1, 7, 37, 3), [.. rgb.Select(b => (float)b)], "x");
            Normalise.Forward(x, x, how);
            var direct = new float[rgb.Length];
            Normalise.Forward(rgb, direct, how);
            foreach (float[] got in new[] { x.ToArray(), direct })
                for (int i = 0; i < got.Length; i++) Assert.Equal(expected[i], got[i], 3e-5);
        }
    }

    [Fact]
    public void ImageNetsNormalisationIsTheWellKnownOne()
    {
        var got = new float[6];
        Normalise.Forward([0, 0, 0, 255, 255, 255], got, PixelNormalisation.ImageNet);
        float[] expected = [-0.485f / 0.229f, -0.456f / 0.224f, -0.406f / 0.225f, 0.515f / 0.229f, 0.544f / 0.224f,
            0.594f / 0.225f];
        Assert.Equal(expected, got, (a, b) => Math.Abs(a - b) < 1e-6f);
    }
}
