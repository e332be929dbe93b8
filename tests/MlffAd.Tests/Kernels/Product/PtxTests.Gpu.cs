using MlffAd.Cli;

namespace MlffAd.Tests.Kernels;

/// <summary>The GPU code of the whole network for NVIDIA's cards, where there may be none.</summary>
public sealed class PtxTests
{
    [Theory]
    [InlineData(75, Precision.Float32)]
    [InlineData(80, Precision.Tf32)]
    [InlineData(80, Precision.Bf16)]
    [InlineData(90, Precision.Float32)]
    [InlineData(90, Precision.Tf32)]
    [InlineData(90, Precision.Bf16)]
    public void EveryKernelOfTrainingAndScoringIsAsPromised(int sm, Precision precision)
    {
        var rows = BenchPtx.Compile(Preset.Find("paper")!.With("train.batch", "4"), sm, precision);
        Assert.All(rows, r =>
        {
            Assert.True(r.FloatAtomics == 0, $"{r.Name} adds floats in an order that is nobody's.");
            Assert.True(r.SharedBytes <= r.DeclaredBytes,
                $"{r.Name} takes {r.SharedBytes} bytes of shared memory and declares {r.DeclaredBytes}.");
            Assert.True(r.SharedBytes <= 48 << 10, $"{r.Name} takes {r.SharedBytes} bytes of shared memory.");
            Assert.True(r.Local == 0, $"{r.Name} keeps numbers in memory that belong in registers.");
            Assert.True(r.Vectors > 0
                || !r.Name.Contains(".wide:", StringComparison.Ordinal), $"{r.Name} moves no 16 bytes at once.");
            bool tensor = r.Name.StartsWith("product.tensor", StringComparison.Ordinal);
            bool ceiling = r.Name.StartsWith("peak.tf32", StringComparison.Ordinal)
                || r.Name.StartsWith("peak.bf16", StringComparison.Ordinal);
            Assert.Equal((tensor || ceiling, tensor), (r.TensorProducts > 0, r.Copies > 0));
        });
        // Layers whose channels are no multiple of four have no 16 bytes to copy: the counts', the score's.
        var products = rows.Where(r => r.Name.StartsWith("product", StringComparison.Ordinal)).ToList();
        if (precision != Precision.Float32)
            Assert.True(products.Where(r => r.TensorProducts > 0)
                .Sum(r => r.Training) > 0.9 * products.Sum(r => r.Training));
        else Assert.DoesNotContain(products, r => r.TensorProducts > 0);
        Assert.InRange(rows.Sum(r => r.Training), 1, 599);
    }

    [Fact]
    public void AMemoryIsCompiledForScoringAlone()
    {
        var rows = BenchPtx.Compile(Preset.Find("memory")!.With("train.batch", "2")
            .With("memory.size", "300"), 80, Precision.Float32);
        Assert.All(rows, r => Assert.Equal((0, 0, 0L), (r.FloatAtomics, r.Local, r.Training)));
        string[] memory = ["memory.nearest.rank", "memory.nearest.decide", "memory.place", "pool.local"];
        Assert.All(memory,
            name => Assert.Equal(1, rows.Where(r => r.Name.StartsWith(name + ":", StringComparison.Ordinal))
            .Sum(r => r.Scoring)));
    }

    [Theory]
    [InlineData(Precision.Tf32, "m16n8k8.row.col.f32.tf32.tf32.f32")]
    [InlineData(Precision.Bf16, "m16n8k16.row.col.f32.bf16.bf16.f32")]
    public void TheLaddersUpperRungsAreOnTensorCores(Precision precision, string instruction)
    {
        using var device = Device.OpenCompiler(80, precision);
        using Tensor a = Tensor.Rent(device, Shape.Of(1, 256, 64), "a");
        using Tensor b = Tensor.Rent(device, Shape.Of(1, 128, 64), "b");
        using Tensor y = Tensor.Rent(device, Shape.Of(1, 256, 128), "y");
        foreach (var (_, rung) in MatMul.LadderOf(device)) rung(a, b, y);
        Assert.Equal([("product.definition", false), ("product.shared", false), ("product", false),
            ("product.tile", true), ("product.tensor", true)],
                device.CompiledKernels.Select(k => (k.Name,
                    k.Ptx!.Contains($"mma.sync.aligned.{instruction}", StringComparison.Ordinal))));
        Assert.All(device.CompiledKernels, k => Assert.DoesNotContain(".local", k.Ptx, StringComparison.Ordinal));
    }

    [Fact]
    public void ASearchRoundsEveryProductByItself()
    {
        using var device = Device.OpenCompiler(75);
        using Tensor queries = Tensor.Rent(device, Shape.Of(1, 70, 20), "q"),
            vectors = Tensor.Rent(device, Shape.Of(1, 90, 20), "m");
        using Tensor distance = Tensor.Rent(device, Shape.Of(1, 70, 1), "d"),
            index = Tensor.Rent(device, Shape.Of(1, 70, 1), "j");
        NearestVector.Forward(queries, vectors, distance, index);
        KCentre.Choose(vectors, 2, stop: TestContext.Current.CancellationToken);
        Assert.Equal(["memory.kcentre", "memory.nearest.decide", "memory.pack"], device.CompiledKernels
            .Where(k => k.Ptx!.Contains("mul.rn.f64", StringComparison.Ordinal)).Select(k => k.Name).Order());
        Assert.All(device.CompiledKernels, k => Assert.DoesNotContain(".local", k.Ptx, StringComparison.Ordinal));
    }

    [Fact]
    public void AnArchitectureThatIsNotThereIsRefused() =>
        Assert.Contains("75, 80, 86", Assert.Throws<DeviceException>(() => Device.OpenCompiler(51)).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(Precision.Tf32)]
    [InlineData(Precision.Bf16)]
    public void TuringHasNoTensorCoresForThese(Precision precision) =>
        Assert.Contains("8.0", Assert.Throws<DeviceException>(() => Device.OpenCompiler(75, precision)).Message,
            StringComparison.Ordinal);
}
