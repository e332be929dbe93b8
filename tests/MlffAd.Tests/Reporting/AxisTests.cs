using CsCheck;
using MlffAd.Reporting;
using Xunit;

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
    public void EveryRangeHasAFewDistinctTicks() => Gen.Select(Gen.Double[-1e4, 1e4], Gen.Double[1e-3, 1e5]).Sample((low, length) =>
    {
        Axis axis = Axis.Linear("", low, low + length);
        Assert.InRange(axis.Ticks.Count, 2, 9);
        Assert.All(axis.Ticks, tick => Assert.InRange(tick.At, low - 1e-6 * length, low + length * (1 + 1e-6)));
        Assert.Equal(axis.Ticks.Count, Texts(axis).Distinct().Count());
    }, iter: 2000);

    private static string[] Texts(Axis axis) => [.. axis.Ticks.Select(tick => tick.Text)];
}
