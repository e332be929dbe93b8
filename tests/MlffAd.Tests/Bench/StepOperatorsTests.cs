using System.Reflection;
using MlffAd.Bench;

namespace MlffAd.Tests.Bench;

public sealed partial class StepOperatorsTests
{
    private const int Batch = 2;

    /// <summary>A kernel's calls, FLOP and bytes.</summary>
    private sealed record Totals(string Kernel, double Calls, double Flop, double Bytes);

    /// <summary>What the bench says that a step comes to is what a step comes to: kernel by kernel, as often, with as
    /// many FLOP and bytes.</summary>
    [Theory]
    [InlineData("tiny", "")]
    [InlineData("tiny", "score.linear=false")]
    public void TheRowsOfAStepAreAStep(string preset, string setting)
    {
        var config = Preset.Find(preset);
        if (setting.Split('=') is [var key, var value]) config = config.With(key, value);
        using var device = Device.Open("cpu", 2);
        var cases = StepOperators.Of(config, Batch, device).Where(c => c.InStep > 0)
            .SelectMany(c => Declared(device, c)
                .Select(k => new Totals(k.Name, k.Calls * c.InStep, k.Flop * c.InStep, k.Bytes * c.InStep)));
        Assert.Equal(Sum(Step(device, config)), Sum(cases));
    }

    /// <summary>A kernel that no row runs would be one that nobody measures.</summary>
    [Fact]
    public void EveryKernelHasARow()
    {
        using var device = Device.Open("cpu", 2);
        var timed = StepOperators.Of(Preset.Find("tiny"), Batch, device).SelectMany(c => Declared(device, c))
            .Select(k => k.Name).ToHashSet();
        var fields = typeof(Kernel).Assembly.GetTypes().Where(t => !t.ContainsGenericParameters)
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic));
        string[] kernels = [.. fields.Where(f => f.FieldType == typeof(Kernel))
            .Select(f => ((Kernel)f.GetValue(null)!).Name)];
        Assert.True(kernels.Length > 30);
        Assert.Empty(kernels.Except(timed));
    }

    [Fact]
    public void RowsAreFilteredByOperatorAndByShape()
    {
        using var device = Device.Open("cpu", 1);
        var all = StepOperators.Of(new Config(), 8, device);
        Assert.Equal(all.Count, all.Select(c => c.ToString()).Distinct().Count());
        Assert.Same(all[0], StepOperators.Filter(all, null)[0]);
        Assert.All(StepOperators.Filter(all, "Attention"),
            c => Assert.StartsWith("attention", c.Name, StringComparison.Ordinal));
        Assert.All(StepOperators.Filter(all, "3×3 1024 → [8,16,16,1024]"), c => Assert.Equal(2, c.InStep));
        Assert.Equal(ExitCode.Usage,
            Assert.Throws<MlffAdException>(() => StepOperators.Filter(all, "no such thing")).Code);
    }

    private static IReadOnlyList<KernelTotals> Declared(Device device, OperatorCase of)
    {
        using var run = new OperatorRun(device, of, footprint: 0);
        run.Call();
        return run.Kernels;
    }

    private static IEnumerable<Totals> Step(Device device, Config config)
    {
        using var parameters = new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(config), 1));
        using var step = new TrainingStep(config, parameters, Batch);
        float[] images = Gradients.Random(Batch * 3 * config.ImageSize * config.ImageSize, seed: 1);
        float[] labels = new float[Batch * config.Cells];
        labels[0] = 1;
        device.Profiler = new Profiler(device);
        var batch = device.IsHost ? step.Upload(images, labels)
            : step.Upload(PseudoAnomalies.Sample(config.With("train.batch", $"{Batch}")));
        Assert.True(step.Run(batch, 0.001).IsFinite);
        var totals = device.Profiler.Totals;
        device.Profiler = null;
        return totals.Select(k => new Totals(k.Name, k.Calls, k.Flop, k.Bytes));
    }

    private static Totals[] Sum(IEnumerable<Totals> some) =>
        [.. some.GroupBy(t => t.Kernel,
            (kernel, t) => t.Aggregate((a, b) => new(kernel, a.Calls + b.Calls, a.Flop + b.Flop, a.Bytes + b.Bytes)))
            .OrderBy(t => t.Kernel, StringComparer.Ordinal)];
}
