using CsCheck;

namespace MlffAd.Tests.Detection;

public sealed class ColourScaleTests
{
    private static readonly ColourScale Scale = new(threshold: 2, span: 5);

    [Fact]
    public void AHigherScoreIsNeverDarker() => Gen.Select(Gen.Single[-10, 10], Gen.Single[-10, 10]).Sample((a, b) =>
        Luminance(Scale.Of(Math.Min(a, b))) <= Luminance(Scale.Of(Math.Max(a, b))) + 0.3, iter: 5000);

    [Fact]
    public void TheColoursJumpAtTheThresholdWhichItselfIsBelow()
    {
        MapColour at = Scale.Of(2), above = Scale.Of(MathF.BitIncrement(2));
        Assert.True(Luminance(above) > Luminance(at) + 50);
        Assert.True(at.B > at.R && above.R > above.B);
        Assert.Equal((0, true), (Scale.Cover(2), Scale.Cover(MathF.BitIncrement(2)) >= 0.45f));
    }

    [Fact]
    public void BeyondTheSpanTheEndsStay()
    {
        Assert.Equal(Scale.Of(7), Scale.Of(1000));
        Assert.Equal(Scale.Of(-3), Scale.Of(-1000));
        Assert.True(Luminance(Scale.Of(-3)) < 15 && Luminance(Scale.Of(7)) > 220);
    }

    [Fact]
    public void TheMiddleOfTheUpperHalfIsOrange()
    {
        // sRGB's own OKLCh values of pure orange (255, 165, 0), from the colour space's definition: L 0.793, C 0.171, h
        // 70.7°. The upper half passes hue 70.0° half way: L 0.79, C 0.15, a slightly greyer orange.
        MapColour middle = Scale.Of(4.5f);
        Assert.InRange(middle.R, 235, 255);
        Assert.InRange(middle.G, 158, 180);
        Assert.InRange(middle.B, 40, 90);
    }

    private static double Luminance(MapColour c) => 0.2126 * c.R + 0.7152 * c.G + 0.0722 * c.B;
}
