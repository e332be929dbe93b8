using MlffAd.Bench;

namespace MlffAd.Tests.Bench;

public sealed partial class StepOperatorsTests
{
    /// <summary>The same where maps are BF16, on a device that compiles and runs nothing: no row meets an operator that
    /// refuses its maps' formats, and every one declares their bytes.</summary>
    [Fact]
    public void TheRowsOfAStepAreAStepInBf16()
    {
        var config = Preset.Find("tiny").With("backbone.width", "8");
        using var device = Device.OpenCompiler(80, Precision.Bf16);
        var cases = StepOperators.Of(config, Batch, device).Where(c => c.InStep > 0)
            .SelectMany(c => Declared(device, c)
                .Select(k => new Totals(k.Name, k.Calls * c.InStep, k.Flop * c.InStep, k.Bytes * c.InStep)));
        Assert.Equal(Sum(Step(device, config)), Sum(cases));
    }
}
