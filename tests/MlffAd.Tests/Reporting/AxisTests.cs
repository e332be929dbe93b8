using CsCheck;
using MlffAd.Reporting;

namespace MlffAd.Tests.Reporting;

public sealed class AxisTests
{
    [Fact]
    public void TicksAreRoundNumbersInsideTheRange()
    {
        Assert.Equal(["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"], Texts(Axis.Linear("", 0, 1)));
        Assert.Equal(["0.00", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30"], Texts(Axis.Linear("", 0, 0.3)));
        Assert.Equal(["−2", "0", "2", "4", "6"], Texts(Axis.Linear("", -3, 7.5)));
        Assert.Equal(["0.001", "0.01", "0.1", "1", "10"], Texts(Axis.Decades("", 0.001, 4)));
        Assert.Equal(["1", "10"], Texts(Axis.Decades("", 1, 1)));
    }

    [Fact]
    public void EveryRangeHasAFewDistinctTicks() => Gen.Select(Gen.Double[-1e4, 1e4], Gen.Double[1e-3, 1e5])
        .Sample((low, length) =>
    {
        Axis axis = Axis.Linear("", low, low + length);
        Assert.InRange(axis.Ticks.Count, 2, 9);
        Assert.All(axis.Ticks, tick => Assert.InRange(tick.At, low - 1e-6 * length, low + length * (1 + 1e-6)));
        Assert.Equal(axis.Ticks.Count, Texts(axis).Distinct().Count());
    }, iter: 2000);

    [Theory]
    [InlineData(1e16, 1e16 + 2)]
    [InlineData(-9.2e18, 9.2e18)]
    [InlineData(9.2e18, 9.2e18)]
    [InlineData(0, 0)]
    [InlineData(5, -5)]
    [InlineData(0, double.Epsilon)]
    [InlineData(double.NegativeInfinity, double.PositiveInfinity)]
    [InlineData(double.MinValue, double.MaxValue)]
    [InlineData(1, double.NaN)]
    public void AnyRangeEndsAndHasAFewTicks(double low, double high)
    {
        foreach (Axis axis in new[] { Axis.Linear("", low, high), Axis.Decades("", low, high) })
        {
            Assert.InRange(axis.Ticks.Count, 1, 15);
            Assert.True(double.IsFinite(axis.Low) && axis.Low < axis.High && double.IsFinite(axis.High - axis.Low));
            Assert.All(Texts(axis), text => Assert.InRange(text.Length, 1, 12));
            string svg = new Plot(axis, axis).Line([new(low, 1), new(1, high), new(high, low)], "x").Svg("");
            Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
            Assert.DoesNotContain("∞", svg, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ManyDecadesHaveTicksAtSome() => Assert.Equal(
        ["0.001", "10", "100000", "1e9", "1e13", "1e17", "1e21", "1e25", "1e29", "1e33", "1e37", "1e41", "1e45"],
        Texts(Axis.Decades("", 1e-3, 1e45)));

    private static string[] Texts(Axis axis) => [.. axis.Ticks.Select(tick => tick.Text)];
}
