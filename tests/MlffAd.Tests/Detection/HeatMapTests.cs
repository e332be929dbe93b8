namespace MlffAd.Tests.Detection;

public sealed class HeatMapTests
{
    private static readonly ColourScale Scale = new(threshold: 1, span: 2);

    [Fact]
    public void AMapIsDrawnPixelByPixelInItsColours()
    {
        var map = new ScoreMap(2, 1, [0, 3]);
        RgbImage image = HeatMap.Draw(map, Scale);
        Assert.Equal((2, 1), (image.Width, image.Height));
        Assert.Equal([Scale.Of(0), Scale.Of(3)], Pixels(image));
    }

    [Fact]
    public void AnOverlayLeavesThePhotographUpToTheThresholdAndItsSourceUntouched()
    {
        var photo = new RgbImage(6, 6, [.. Enumerable.Repeat((byte)100, 108)]);
        float[] scores = [.. Enumerable.Range(0, 36).Select(i => i / 6 is >= 1 and <= 4 && i % 6 >= 1 ? 2f : 1f)];
        MapColour[] pixels = Pixels(HeatMap.Overlay(photo, new ScoreMap(6, 6, scores), Scale));
        MapColour grey = new(100, 100, 100), white = new(255, 255, 255);
        MapColour covered = grey.Blend(Scale.Of(2), Scale.Cover(2));
        Assert.All(photo.Rgb, value => Assert.Equal(100, value));
        for (int i = 0; i < 36; i++)
        {
            var (y, x) = Math.DivRem(i, 6);
            // the region runs out at the right: no line along the photograph's edge
            bool border = y is 1 or 4 || x == 1;
            Assert.Equal(scores[i] == 1 ? grey : border ? white : covered, pixels[i]);
        }
    }

    [Fact]
    public void OutlinesGrowWithTheImage()
    {
        var image = new RgbImage(1024, 1024, new byte[3 * 1024 * 1024]);
        var mask = new byte[1024 * 1024];
        for (int y = 100; y < 200; y++) mask.AsSpan(y * 1024 + 100, 100).Fill(1);
        HeatMap.DrawOutline(image, mask, new(255, 0, 0));
        Assert.Equal(100 * 100 - 92 * 92, Pixels(image).Count(c => c.R == 255));
    }

    [Fact]
    public void AMapOfAnotherSizeIsRefused() =>
        Assert.Throws<ArgumentException>(() => HeatMap.Overlay(new RgbImage(1, 1, new byte[3]),
            new ScoreMap(2, 1, [0, 0]), Scale));

    private static MapColour[] Pixels(RgbImage image) =>
        [.. image.Rgb.Chunk(3).Select(c => new MapColour(c[0], c[1], c[2]))];
}
