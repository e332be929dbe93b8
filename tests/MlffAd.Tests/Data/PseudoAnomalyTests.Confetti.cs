using CsCheck;

namespace MlffAd.Tests.Data;

public sealed partial class PseudoAnomalyTests
{
    [Fact]
    public void ConfettiEqualsItsDefinition()
    {
        const int side = 64, radius = 3;
        const double sigma = 1.25;
        byte[] mask = new byte[side * side];
        for (int seed = 0; seed < 8; seed++)
        {
            byte[] before = ImageFileTests.Noise(side, side, seed).Rgb, after = [.. before];
            new Maker(Default with { MinMaskPixels = 0 }, side).Apply(AnomalyKind.Confetti, after, mask,
                new(seed, RngPurpose.Anomaly));
            var rng = new Rng(seed, RngPurpose.Anomaly);
            double[] coloured = Group(rng, side, 1.8e-5, [-255, -1], null);
            double[] black = Group(rng, side, 1.2e-5, null, -255);
            double norm = Enumerable.Range(-radius, 2 * radius + 1).Sum(d => Math.Exp(-d * d / (2 * sigma * sigma)));
            for (int i = 0; i < before.Length; i++)
            {
                int y = i / 3 / side, x = i / 3 % side, c = i % 3, p = i - c;
                double field = 0;
                for (int dy = -radius; dy <= radius; dy++)
                    for (int dx = -radius; dx <= radius; dx++)
                    {
                        int at = 3 * (Math.Clamp(y + dy, 0, side - 1) * side + Math.Clamp(x + dx, 0, side - 1)) + c;
                        field += Math.Exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)) / (norm * norm) * (coloured[at]
                            + black[at]);
                    }
                bool dark = (before[p] + before[p + 1] + before[p + 2]) / 3.0 <= 0.11 * 255;
                double expected = before[i] + (dark ? -field : field);
                Assert.True(after[i] == Math.Clamp(Math.Floor(expected + 0.4999), 0, 255)
                    || after[i] == Math.Clamp(Math.Floor(expected + 0.5001), 0, 255),
                    $"{seed} {i}: {expected} {after[i]}");
            }
        }
    }

    /// <summary>One group of blobs, in the order that the numbers are drawn: count; per blob side, centre,
    /// angle, colours.</summary>
    private static double[] Group(Rng rng, int side, double rate, double[]? offsets, double? black)
    {
        var field = new double[3 * side * side];
        int count;
        do count = rng.Poisson(rate * 65536); while (count == 0);
        for (int b = 0; b < count; b++)
        {
            double length = Math.Max(1, Math.Floor(rng.Uniform(8, 54) * side / 256 + 0.5));
            double cx = rng.Uniform(0, side), cy = rng.Uniform(0, side);
            double angle = rng.Uniform(-45, 45) * Math.PI / 180;
            double[] colour = [.. Enumerable.Range(0, 3).Select(_ => black ?? rng.Uniform(offsets![0], offsets[1]))];
            for (int i = 0; i < field.Length; i++)
            {
                // The pixel's centre, turned back into the blob's frame.
                double x = i / 3 % side + 0.5 - cx, y = i / 3 / side + 0.5 - cy;
                double u = Math.Cos(-angle) * x - Math.Sin(-angle) * y, v = Math.Sin(-angle) * x + Math.Cos(-angle) * y;
                if (Math.Abs(u) < length / 2 && Math.Abs(v) < length / 2) field[i] = colour[i % 3];
            }
        }
        return field;
    }

    [Theory]
    [InlineData(64)]
    [InlineData(256)]
    public void TheNumberOfBlobsIsPoissonWithoutZeroAtEverySize(int side)
    {
        // Blobs of one pixel, not blurred, on white: the mask counts them.
        var config = Default with
        {
            MinMaskPixels = 0,
            Confetti = new() { Sizes = [1e-9, 1e-9], Rotation = 0, Radius = 0, Offsets = [-255, -200], Black = 0 },
        };
        var anomalies = new Maker(config, side);
        byte[] image = new byte[3 * side * side], mask = new byte[side * side];
        int draws = 0, blobs = 0;
        for (; draws < 600; draws++)
        {
            Array.Fill(image, (byte)255);
            anomalies.Apply(AnomalyKind.Confetti, image, mask, new(7, RngPurpose.Anomaly, 0, draws));
            int count = mask.Sum(m => m);
            Assert.True(count >= 1);
            blobs += count;
        }
        const double mean = 1.8e-5 * 65536;
        Assert.Equal(mean / (1 - Math.Exp(-mean)), (double)blobs / draws, 0.13);
    }

    [Fact]
    public void BlobsAreSquaresOfAScaledSide()
    {
        const int side = 128;
        var config = Default with
        {
            MinMaskPixels = 0,
            Confetti = new() { Rates = [1e-6, 1e-6], Sizes = [32, 32], Radius = 0, Offsets = [-255, -200], Black = 0 },
        };
        var anomalies = new Maker(config, side);
        byte[] image = new byte[3 * side * side], mask = new byte[side * side];
        var areas = new List<int>();
        for (int i = 0; i < 200; i++)
        {
            Array.Fill(image, (byte)255);
            anomalies.Apply(AnomalyKind.Confetti, image, mask, new(8, RngPurpose.Anomaly, 0, i));
            areas.Add(mask.Sum(m => m));
        }
        // 16 × 16, rotated, most of them whole; some are cut by the border, a few are two.
        Assert.InRange(areas.Count(a => a is > 240 and < 272), 120, 190);
        Assert.All(areas, a => Assert.InRange(a, 1, 1000));
    }

    [Fact]
    public void ConfettiBrightensTheDarkAndDarkensTheBright()
    {
        foreach (byte level in new byte[] { 0, 28, 29, 200 })
        {
            byte[] image = new byte[3 * 64 * 64], mask = new byte[64 * 64];
            Array.Fill(image, level);
            new Maker(Default, 64).Apply(AnomalyKind.Confetti, image, mask, new(9, RngPurpose.Anomaly));
            Assert.All(image, v => Assert.True(level <= 28 ? v >= level : v <= level));
            Assert.Contains(image, v => Math.Abs(v - level) >= 10);
        }
    }
}
