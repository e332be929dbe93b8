namespace MlffAd.Data;

/// <summary>A picture of pseudo anomalies: good image, what became of it, mask; a kind after the other.</summary>
public static class ContactSheet
{
    private const int Gap = 4;

    /// <summary>Draws <paramref name="count"/> samples, the kinds of weight above 0 in turn, three to a row.</summary>
    /// <param name="store">The good images.</param>
    /// <param name="config">Size, seed, <c>synth.*</c>.</param>
    /// <param name="count">Samples.</param>
    /// <returns>The sheet, and how many samples stayed good because no draw changed them enough.</returns>
    public static (RgbImage Sheet, int StayedGood) Draw(ImageStore store, Config config, int count)
    {
        var synth = config.Synth;
        var kinds = PseudoAnomalies.Kinds(synth);
        var make = new Synthesizer(PseudoAnomalies.Options(config));
        int side = store.Side, rows = (count + 2) / 3, stayedGood = 0;
        int width = 9 * (side + Gap) + 3 * Gap, height = rows * (side + Gap) + Gap;
        var sheet = new RgbImage(width, height, new byte[checked(3 * width * height)]);
        Array.Fill(sheet.Rgb, (byte)128);   // neither a white background nor a mask's black
        byte[] image = new byte[3 * side * side], mask = new byte[side * side];
        for (int i = 0; i < count; i++)
        {
            var rng = new Rng(config.Train.Seed, RngPurpose.Anomaly, 0, i);
            int x = Gap + i % 3 * (3 * (side + Gap) + Gap), y = Gap + i / 3 * (side + Gap);
            store[rng.Below(store.Items.Count)].CopyTo(image);
            Paste(sheet, x, y, image, side);
            if (!make.Apply(PseudoAnomalies.Draws(synth, side, kinds[i % kinds.Count], rng), image, mask)) stayedGood++;
            Paste(sheet, x + side + Gap, y, image, side);
            for (int p = 0; p < mask.Length; p++) image.AsSpan(3 * p, 3).Fill((byte)(255 * mask[p]));
            Paste(sheet, x + 2 * (side + Gap), y, image, side);
        }
        return (sheet, stayedGood);
    }

    private static void Paste(RgbImage sheet, int x, int y, ReadOnlySpan<byte> image, int side)
    {
        for (int row = 0; row < side; row++)
            image.Slice(3 * row * side, 3 * side).CopyTo(sheet.Rgb.AsSpan(3 * ((y + row) * sheet.Width + x)));
    }
}
