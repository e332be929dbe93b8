namespace MlffAd.Detection;

/// <summary>Pictures of score maps: the colours alone, or laid over the photograph.</summary>
public static class HeatMap
{
    private static readonly MapColour Edge = new(255, 255, 255);

    /// <summary>Each score as its colour.</summary>
    public static RgbImage Draw(ScoreMap map, ColourScale scale)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(scale);
        var image = new RgbImage(map.Width, map.Height, new byte[3 * map.Values.Length]);
        for (int i = 0; i < map.Values.Length; i++) image.Set(i, scale.Of(map.Values[i]));
        return image;
    }

    /// <summary>The photograph, coloured where the score is above the threshold, a white line around
    /// those regions.</summary>
    /// <param name="photo">The photograph.</param>
    /// <param name="map">Scores of its size.</param>
    /// <param name="scale">The model's scale.</param>
    public static RgbImage Overlay(RgbImage photo, ScoreMap map, ColourScale scale)
    {
        ArgumentNullException.ThrowIfNull(photo);
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(scale);
        if ((photo.Width, photo.Height) != (map.Width, map.Height))
            throw new ArgumentException(
                $"The map is {map.Width}×{map.Height}, the photograph {photo.Width}×{photo.Height}.", nameof(map));
        var image = photo with { Rgb = [.. photo.Rgb] };
        for (int i = 0; i < map.Values.Length; i++)
            if (scale.Cover(map.Values[i]) is > 0 and var share)
                image.Set(i, image.At(i).Blend(scale.Of(map.Values[i]), share));
        DrawOutline(image, Array.ConvertAll(map.Values, score => score > scale.Threshold ? (byte)1 : (byte)0), Edge);
        return image;
    }

    /// <summary>Draws the inner border of <paramref name="mask"/> (not 0, row-major, of the image's size) into the
    /// image, 1 pixel wide for each 256 of its side.</summary>
    public static void DrawOutline(RgbImage image, ReadOnlySpan<byte> mask, MapColour colour)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (width, height) = (image.Width, image.Height);
        int thick = Math.Max(1, Math.Min(width, height) / 256);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                if (mask[y * width + x] == 0) continue;
                bool border = false;
                for (int d = 1; d <= thick && !border; d++)
                    border = Outside(mask, x - d, y) || Outside(mask, x + d, y) || Outside(mask, x, y - d)
                        || Outside(mask, x, y + d);
                if (border) image.Set(y * width + x, colour);
            }

        // The image's own edge is no border: a region that runs out of the picture stays open there.
        bool Outside(ReadOnlySpan<byte> mask, int x, int y) =>
            x >= 0 && x < width && y >= 0 && y < height && mask[y * width + x] == 0;
    }

    private static MapColour At(this RgbImage image, int pixel) =>
        new(image.Rgb[3 * pixel], image.Rgb[3 * pixel + 1], image.Rgb[3 * pixel + 2]);

    private static void Set(this RgbImage image, int pixel, MapColour colour) =>
        (image.Rgb[3 * pixel], image.Rgb[3 * pixel + 1], image.Rgb[3 * pixel + 2]) = (colour.R, colour.G, colour.B);
}
