using CsCheck;
using MlffAd.Tests.Evaluation;

namespace MlffAd.Tests.Detection;

public sealed class ComponentsTests
{
    [Fact]
    public void CornersTouchAndNumbersFollowReadingOrder()
    {
        Components found = Components.Of(Mask("""
            .#..##
            #....#
            ..#...
            ##...#
            """), 6);
        Assert.Equal(4, found.Count);
        Assert.Equal([2, 3, 3, 1], found.Areas);
        Assert.Equal([new(0, 0, 2, 2), new(4, 0, 2, 2), new(0, 2, 3, 2), new(5, 3, 1, 1)], found.Boxes);
        Assert.Equal([0, 1, 0, 0, 2, 2], found.Labels[..6]);
    }

    [Fact]
    public void ComponentsAreThoseOfBruteForce() => Gen.Select(Gen.Int[1, 12], Gen.Int[1, 9], Gen.Int[1, 4])
        .SelectMany((width, height, sparse) => Gen.Int[0, sparse].Select(v => v == 0
            ? (byte)1
            : (byte)0).Array[width * height].Select(mask => (width, mask))).Sample((width, mask) =>
    {
        Components found = Components.Of(mask, width);
        var regions = Oracles.Regions(mask, width);
        Assert.Equal(regions.Count, found.Count);
        for (int n = 0; n < regions.Count; n++)
        {
            Assert.Equal(regions[n].Count, found.Areas[n]);
            Assert.All(regions[n], i => Assert.Equal(n + 1, found.Labels[i]));
            var (x0, x1) = (regions[n].Min(i => i % width), regions[n].Max(i => i % width));
            var (y0, y1) = (regions[n].Min(i => i / width), regions[n].Max(i => i / width));
            Assert.Equal(new PixelBox(x0, y0, x1 - x0 + 1, y1 - y0 + 1), found.Boxes[n]);
        }
    }, iter: 500);

    [Fact]
    public void AMaskOfOneColourFillsWithoutDeepRecursion() =>
        Assert.Equal([1_000_000], Components.Of(Enumerable.Repeat((byte)1, 1_000_000).ToArray(), 1000).Areas);

    [Fact]
    public void TheBoxIsThatOfTheLargestRegionStrictlyAboveTheThreshold()
    {
        var map = new ScoreMap(5, 2, [3, 1, 2, 2, 2, 3, 1, 1, 1, 4]);
        Assert.Equal(new PixelBox(2, 0, 3, 2), Components.LargestAbove(map, 1.5f));
        Assert.Equal(new PixelBox(0, 0, 1, 2), Components.LargestAbove(map, 2));
        Assert.Null(Components.LargestAbove(map, 4));
    }

    private static byte[] Mask(string drawing) =>
        [.. drawing.Where(c => c is '.' or '#').Select(c => c == '#' ? (byte)1 : (byte)0)];
}
