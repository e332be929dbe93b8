namespace MlffAd.Tests.Data;

public sealed class AugmentationTests
{
    private const int Side = 64;

    private static byte[] Apply(AugmentConfig config, byte[] image, int index)
    {
        byte[] changed = [.. image];
        if (Augmentation.Draw(config, new(1, RngPurpose.Augmentation, 0, index)) is { } warp)
            new Synthesizer(PseudoAnomalies.Options(new() { ImageSize = Side })).Apply(warp, changed);
        return changed;
    }

    [Fact]
    public void OffMeansTheSameBytes()
    {
        byte[] image = ImageFileTests.Noise(Side, Side).Rgb;
        Assert.Null(Augmentation.Draw(new(), new(1, RngPurpose.Augmentation)));
        Assert.Equal(image, Apply(new(), image, 0));
        Assert.Equal(image, Apply(new() { Brightness = 1e-12 }, image, 0));   // through all the arithmetic
    }

    [Fact]
    public void FlipsMirrorEachWithProbabilityOneHalf()
    {
        byte[] image = ImageFileTests.Noise(Side, Side).Rgb;
        byte[] Mirrored(bool h, bool v) => [.. Enumerable.Range(0, image.Length).Select(i =>
        {
            int x = i / 3 % Side, y = i / 3 / Side;
            return image[3 * ((v ? Side - 1 - y : y) * Side + (h ? Side - 1 - x : x)) + i % 3];
        })];
        var forms = new[] { (false, false), (true, false), (false, true),
            (true, true) }.Select(f => (f, Convert.ToHexString(Mirrored(f.Item1, f.Item2)))).ToArray();
        foreach (var (flip, allowed) in new[] { (Flip.Horizontal, new[] { 0, 1 }), (Flip.Vertical, [0, 2]),
            (Flip.Both, [0, 1, 2, 3]) })
        {
            int[] counts = new int[4];
            for (int i = 0; i < 400; i++)
            {
                string got = Convert.ToHexString(Apply(new() { Flip = flip }, image, i));
                counts[Array.FindIndex(forms, f => f.Item2 == got)]++;
            }
            for (int f = 0; f < 4; f++)
                Assert.InRange(counts[f], allowed.Contains(f) ? 400 / allowed.Length - 50 : 0, allowed.Contains(f)
                    ? 400 / allowed.Length + 50
                    : 0);
        }
    }

    [Fact]
    public void BrightnessScalesAndContrastKeepsTheGreyMean()
    {
        byte[] flat = new byte[3 * Side * Side], image = ImageFileTests.Noise(Side, Side).Rgb;
        Array.Fill(flat, (byte)100);
        var levels = new HashSet<byte>();
        for (int i = 0; i < 200; i++)
        {
            byte[] bright = Apply(new() { Brightness = 0.2 }, flat, i);
            Assert.Single(bright.Distinct());
            levels.Add(bright[0]);
            Assert.Equal(flat, Apply(new() { Contrast = 0.5 }, flat, i));
        }
        Assert.Equal((80, 120), (levels.Min(), levels.Max()));
        for (int i = 0; i < image.Length; i++) image[i] = (byte)(96 + image[i] / 4);   // nothing is clamped
        double Luma(byte[] rgb) =>
            Enumerable.Range(0, Side * Side)
                .Average(p => 0.299 * rgb[3 * p] + 0.587 * rgb[3 * p + 1] + 0.114 * rgb[3 * p + 2]);
        for (int i = 0; i < 20; i++) Assert.Equal(Luma(image), Luma(Apply(new() { Contrast = 0.5 }, image, i)), 0.3);
    }

    [Fact]
    public void ShiftMovesAllPixelsAlikeAndReplicatesTheBorder()
    {
        byte[] image = PseudoAnomalyTests.Coordinates(Side);
        var shifts = new List<int>();
        for (int i = 0; i < 100; i++)
        {
            byte[] moved = Apply(new() { Shift = 5 }, image, i);
            int middle = 3 * (32 * Side + 32), dx = moved[middle] - 32, dy = moved[middle + 1] - 32;
            shifts.Add(dx);
            for (int y = 0; y < Side; y++)
                for (int x = 0; x < Side; x++)
                {
                    Assert.InRange(moved[3 * (y * Side + x)] - Math.Clamp(x + dx, 0, Side - 1), -1, 1);
                    Assert.InRange(moved[3 * (y * Side + x) + 1] - Math.Clamp(y + dy, 0, Side - 1), -1, 1);
                }
        }
        Assert.True(shifts.Min() is -5 or -4 && shifts.Max() is 4 or 5);
    }

    [Fact]
    public void RotationKeepsTheMiddleAndDistances()
    {
        byte[] image = PseudoAnomalyTests.Coordinates(Side);
        double widest = 0;
        for (int i = 0; i < 100; i++)
        {
            byte[] turned = Apply(new() { Rotate = 10 }, image, i);
            (int X, int Y) At(int x, int y) => (turned[3 * (y * Side + x)], turned[3 * (y * Side + x) + 1]);
            Assert.InRange(At(32, 32).X, 31, 33);
            var (left, right) = (At(12, 32), At(52, 32));
            Assert.Equal(40, Math.Sqrt(Math.Pow(right.X - left.X, 2) + Math.Pow(right.Y - left.Y, 2)), 1.5);
            widest = Math.Max(widest, Math.Abs(Math.Atan2(right.Y - left.Y, right.X - left.X) * 180 / Math.PI));
        }
        Assert.InRange(widest, 8, 11.5);
    }
}
