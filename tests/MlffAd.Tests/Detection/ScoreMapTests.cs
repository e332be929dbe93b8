using CsCheck;

namespace MlffAd.Tests.Detection;

public sealed class ScoreMapTests
{
    [Fact]
    public void DoublingPutsPixelsAQuarterCellFromTheCentres()
    {
        ScoreMap pixels = new ScoreMap(2, 1, [0, 4]).Enlarge(4, 2);
        Assert.Equal([0, 1, 3, 4, 0, 1, 3, 4], pixels.Values);
    }

    [Fact]
    public void APlaneStaysAPlaneBetweenTheOuterCentres() => Gen.Select(Gen.Int[2, 9], Gen.Int[2, 9], Gen.Int[9, 70],
        Gen.Int[9, 70]).Sample((cols, rows, width, height) =>
    {
        float Plane(double y, double x) => (float)(2 * y - 3 * x + 1);
        ScoreMap pixels = new ScoreMap(cols, rows,
            [.. Enumerable.Range(0, cols * rows).Select(i => Plane(i / cols, i % cols))]).Enlarge(width, height);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                Assert.Equal(Plane(Math.Clamp((y + 0.5) * rows / height - 0.5, 0, rows - 1),
                    Math.Clamp((x + 0.5) * cols / width - 0.5, 0, cols - 1)), pixels.Values[y * width + x], 1e-4f);
    }, iter: 100);

    [Fact]
    public void TheSameSizeIsTheSameMapAndAConstantStaysExact()
    {
        float[] values = [1, 2.5f, -3, 4, 0.1f, 6];
        Assert.Equal(values, new ScoreMap(3, 2, values).Enlarge(3, 2).Values);
        Assert.All(new ScoreMap(2, 2, [0.1f, 0.1f, 0.1f, 0.1f]).Enlarge(37, 11).Values, v => Assert.Equal(0.1f, v));
    }
}
