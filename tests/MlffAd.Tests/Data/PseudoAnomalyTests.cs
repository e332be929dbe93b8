using CsCheck;

namespace MlffAd.Tests.Data;

public sealed partial class PseudoAnomalyTests
{
    private static readonly SynthConfig Default = new();

    /// <summary>A CutPaste configuration whose colours stay, so that pixels can be recognised.</summary>
    private static readonly SynthConfig Plain = new()
    {
        MaskMinChange = 1,
        MinMaskPixels = 0,
        Cutpaste = new() { Jitter = [0, 0, 0, 0] },
        Scar = new() { Jitter = [0, 0, 0, 0] },
    };

    /// <summary>Draws and makes, as the loader does.</summary>
    private sealed class Maker(SynthConfig config, int side)
    {
        private readonly Synthesizer _make = new(PseudoAnomalies.Options(new() { ImageSize = side, Synth = config }));

        public bool Apply(AnomalyKind kind, byte[] image, byte[] mask, Rng rng) =>
            _make.Apply(PseudoAnomalies.Draws(config, side, kind, rng), image, mask);
    }

    [Fact]
    public void TheMaskIsWhereSomeChannelChangedByTheLeastChange() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 60], Gen.Int[0, 100_000]).Sample((kind, least, seed) =>
        {
            const int side = 64;
            byte[] before = ImageFileTests.Noise(side, side, seed).Rgb;
            byte[] after = [.. before], mask = new byte[side * side];
            var anomalies = new Maker(Default with { MaskMinChange = least }, side);
            Assert.True(anomalies.Apply((AnomalyKind)kind, after, mask, new(seed, RngPurpose.Anomaly)));
            for (int i = 0; i < mask.Length; i++)
                Assert.Equal(Enumerable.Range(3 * i, 3).Any(c => Math.Abs(before[c] - after[c]) >= least)
                    ? 1
                    : 0, mask[i]);
            Assert.True(mask.Count(m => m == 1) >= 1);   // 16·(64/256)²
        }, iter: 60);

    [Fact]
    public void WhiteOnWhiteIsGivenUpAndTheImageStaysGood()
    {
        byte[] image = new byte[3 * 64 * 64], mask = new byte[64 * 64];
        Array.Fill(image, (byte)255);
        Array.Fill(mask, (byte)1);
        var anomalies = new Maker(Plain with { MaskMinChange = 10, MinMaskPixels = 16 }, 64);
        Assert.False(anomalies.Apply(AnomalyKind.Patch, image, mask, new(1, RngPurpose.Anomaly)));
        Assert.All(image, v => Assert.Equal(255, v));
        Assert.All(mask, v => Assert.Equal(0, v));
    }

    [Fact]
    public void ADrawThatChangesTooLittleIsDrawnAgainFromTheImageAsItWas()
    {
        // White but for a dark corner: most patches are white on white, so only repeated draws find the corner,
        // and each finds it whole.
        const int side = 64;
        byte[] before = new byte[3 * side * side], mask = new byte[side * side];
        Array.Fill(before, (byte)255);
        for (int y = 0; y < 24; y++) Array.Fill(before, (byte)0, 3 * y * side, 72);
        var anomalies = new Maker(Plain with { MaskMinChange = 10, MinMaskPixels = 16 * 16 }, side);
        int drawn = 0;
        for (int i = 0; i < 200; i++)
        {
            byte[] after = [.. before];
            if (!anomalies.Apply(AnomalyKind.Patch, after, mask, new(1, RngPurpose.Anomaly, 0, i))) continue;
            drawn++;
            Assert.True(mask.Sum(m => m) >= 16);
            // One patch alone: what changed fits into 15 % of the image, 3:1 at most.
            var (width, height) = Extent(mask, side);
            Assert.True(width * height <= 0.15 * side * side + width + height);
        }
        Assert.InRange(drawn, 180, 200);
    }

    [Fact]
    public void APatchIsARectangleOfTheImageWithinTheAreasAndAspects()
    {
        const int side = 128;
        byte[] before = Coordinates(side), mask = new byte[side * side];
        var anomalies = new Maker(Plain, side);
        double smallest = double.MaxValue, largest = 0, narrowest = double.MaxValue, widest = 0;
        for (int i = 0; i < 400; i++)
        {
            byte[] after = [.. before];
            anomalies.Apply(AnomalyKind.Patch, after, mask, new(10, RngPurpose.Anomaly, 0, i));
            int first = Array.IndexOf(mask, (byte)1);
            if (first < 0) continue;   // pasted where it came from
            var (width, height) = Extent(mask, side);
            int dx = after[3 * first] - first % side, dy = after[3 * first + 1] - first / side, inside = 0;
            for (int p = 0; p < mask.Length; p++)
            {
                if (mask[p] == 0) continue;
                inside++;
                Assert.Equal((p % side + dx, p / side + dy), (after[3 * p], after[3 * p + 1]));
            }
            Assert.Equal(width * height, inside);
            (smallest, largest) = (Math.Min(smallest, inside), Math.Max(largest, inside));
            (narrowest, widest) =
                (Math.Min(narrowest, (double)width / height), Math.Max(widest, (double)width / height));
        }
        Assert.InRange(smallest / (side * side), 0.019, 0.024);
        Assert.InRange(largest / (side * side), 0.143, 0.152);
        Assert.InRange(narrowest, 0.29, 0.33);
        Assert.InRange(widest, 3.0, 3.45);
    }

    [Fact]
    public void AScarIsARotatedPieceThatKeepsDistances()
    {
        const int side = 256;
        byte[] before = Coordinates(side), mask = new byte[side * side];
        var anomalies = new Maker(Plain, side);
        int smallest = int.MaxValue, largest = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] after = [.. before];
            anomalies.Apply(AnomalyKind.Scar, after, mask, new(11, RngPurpose.Anomaly, 0, i));
            int[] inside = [.. Enumerable.Range(0, mask.Length).Where(p => mask[p] == 1)];
            if (inside.Length < 2) continue;
            (smallest, largest) = (Math.Min(smallest, inside.Length), Math.Max(largest, inside.Length));
            int a = inside[0];
            foreach (int b in inside)
            {
                double here = Math.Sqrt(Math.Pow(a % side - b % side, 2) + Math.Pow(a / side - b / side, 2));
                double there = Math.Sqrt(Math.Pow(after[3 * a] - after[3 * b], 2)
                    + Math.Pow(after[3 * a + 1] - after[3 * b + 1], 2));
                // rounding to whole coordinates, and the replicated border of half a pixel
                Assert.Equal(here, there, 2.2);
            }
        }
        Assert.InRange(smallest, 15, 40);      // 2 × 10
        Assert.InRange(largest, 330, 410);     // 16 × 25
    }

    [Fact]
    public void JitterStaysWithinItsHalfWidths()
    {
        byte[] image = new byte[3 * 64 * 64], mask = new byte[64 * 64];
        var anomalies = new Maker(Default with { MaskMinChange = 1, MinMaskPixels = 0 }, 64);
        var seen = new HashSet<int>();
        for (int i = 0; i < 300; i++)
        {
            Array.Fill(image, (byte)100);
            anomalies.Apply(AnomalyKind.Patch, image, mask, new(12, RngPurpose.Anomaly, 0, i));
            Assert.All(image, v => Assert.InRange(v, 90, 110));   // grey: brightness alone changes it
            seen.UnionWith(image.Select(v => (int)v));
        }
        Assert.Equal((90, 110), (seen.Min(), seen.Max()));
    }

    [Fact]
    public void KindsAreDrawnByTheirWeights()
    {
        var rng = new Rng(13, RngPurpose.Selection);
        var counts = Enumerable.Range(0, 20_000).Select(_ => PseudoAnomalies.DrawKind(Default, rng)).CountBy(k => k)
            .ToDictionary();
        Assert.InRange(counts[AnomalyKind.Confetti], 9_700, 10_300);
        Assert.InRange(counts[AnomalyKind.Patch], 4_750, 5_250);
        Assert.InRange(counts[AnomalyKind.Scar], 4_750, 5_250);
        var scarsAlone = Default with { Confetti = new() { Weight = 0 }, Cutpaste = new() { Weight = 0 } };
        Assert.All(Enumerable.Range(0, 100),
            _ => Assert.Equal(AnomalyKind.Scar, PseudoAnomalies.DrawKind(scarsAlone, rng)));
    }

    [Fact]
    public void TheSameStreamDrawsTheSameWhateverWasDrawnBefore()
    {
        const int side = 64;
        byte[] image = ImageFileTests.Noise(side, side).Rgb;
        var used = new Maker(Default, side);
        foreach (var kind in Enum.GetValues<AnomalyKind>())
        {
            byte[] a = [.. image], b = [.. image], mask = new byte[side * side], other = new byte[side * side];
            new Maker(Default, side).Apply(kind, a, mask, new(14, RngPurpose.Anomaly, 3, 4));
            used.Apply(AnomalyKind.Confetti, [.. image], other, new(99, RngPurpose.Anomaly));
            used.Apply(kind, b, other, new(14, RngPurpose.Anomaly, 3, 4));
            Assert.Equal(a, b);
            Assert.Equal(mask, other);
        }
    }

    [Theory]
    [InlineData(0.0, new float[] { 1, 1, 1, 0 })]
    [InlineData(0.5, new float[] { 0, 1, 0, 0 })]
    public void ACellIsAnomalousAboveTheLeastShare(double minShare, float[] expected)
    {
        var mask = new byte[16 * 16];
        mask[7 * 16 + 7] = 1;                                                                       // cell 0: one pixel
        for (int i = 0; i < 33; i++) mask[i / 8 * 16 + 8 + i % 8] = 1;                             // cell 1: 33 of 64
        // cell 2: half, which is not above half
        for (int i = 0; i < 32; i++) mask[(8 + i / 8) * 16 + i % 8] = 1;
        var labels = new float[4];
        new Synthesizer(new(side: 16, radius: 0, sigma: 1, darkBelow: 0, minChange: 1, minPixels: 0,
            minShare)).Label(mask, labels);
        Assert.Equal(expected, labels);
    }

    /// <summary>Red is the column, green the row, blue is flat.</summary>
    internal static byte[] Coordinates(int side) =>
        [.. Enumerable.Range(0, side * side).SelectMany(p => new[] { (byte)(p % side), (byte)(p / side), (byte)128 })];

    private static (int Width, int Height) Extent(byte[] mask, int side)
    {
        int[] inside = [.. Enumerable.Range(0, mask.Length).Where(p => mask[p] == 1)];
        return (inside.Max(p => p % side) - inside.Min(p => p % side) + 1,
            inside.Max(p => p / side) - inside.Min(p => p / side) + 1);
    }
}
