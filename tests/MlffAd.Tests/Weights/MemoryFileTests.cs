using MlffAd.Tests.Training;
using static System.StringComparison;

namespace MlffAd.Tests.Weights;

/// <summary>A memory as a file holds it.</summary>
public sealed class MemoryFileTests : IDisposable
{
    /// <summary>A model with everything that a memory can have.</summary>
    private static readonly Lazy<byte[]> Made = new(() =>
    {
        using var folder = new MemoryFolder(images: 8);
        folder.Made(MemoryFolder.Tiny.With("memory.scaling", "vector"));
        return File.ReadAllBytes(folder.In("m.mlffad"));
    });

    private readonly string _path = Path.GetTempFileName();

    public MemoryFileTests() => File.WriteAllBytes(_path, Made.Value);

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void AMemoryHasAFormatOfItsOwnAndANetworksFileKnowsOfNoMemory()
    {
        string Text(string key)
        {
            using var file = SafetensorsFile.Open(_path);
            return file.Metadata[key];
        }
        Assert.Equal("mlffad/3", Text("format"));
        Assert.Contains("\"memory\":{\"from\":[2,3],", Text("config"), Ordinal);
        using (var file = ModelFile.Open(_path))
        {
            string[] names =
                ["groups", "imageGroups", "images", "kept", "projection.weight", "scales", "step", "vectors"];
            var due = names.Zip(new int[][]
                { [60, 1], [8, 1], [8, 8], [8, 64, 64, 3], [14, 192, 1, 1], [60, 2], [1, 1], [60, 16] });
            var tensors = file.Tensors.Tensors.Values.Where(tensor => !tensor.Name.StartsWith("backbone.", Ordinal));
            Assert.Equal(due, tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)
                .Select(tensor => (tensor.Name["memory.".Length..], tensor.Shape)));
        }
        var model = Model.Load(_path);
        model.Save(_path);
        Assert.Equal("mlffad/2", Text("format"));   // nothing is known of images, nor kept
        ModelFile.Save(_path, model.Metadata with { Config = Preset.Find("tiny") }, []);
        Assert.Equal("mlffad/1", Text("format"));
        Assert.DoesNotContain("memory", Text("config"), Ordinal);
    }

    [Theory]
    [InlineData("memory.projection.weight")]
    [InlineData("memory.vectors")]
    [InlineData("memory.groups")]
    [InlineData("memory.step")]
    [InlineData("memory.scales")]
    public void ATensorThatIsMissingOrCutOrNotFiniteIsNamed(string name)
    {
        foreach (float poison in new[] { float.NaN, float.PositiveInfinity })
            Refused(name, "not finite", tensors => tensors[name].Numbers[^1] = poison);
        Refused(name, name == "memory.step" ? "[1,0]" : "belongs", tensors =>
        {
            var (shape, numbers) = tensors[name];
            int row = numbers.Length / shape[0];
            tensors[name] = shape[0] > 1 ? ([shape[0] - 1, .. shape[1..]], numbers[..^row]) : ([1, 0], []);
        });
        Refused(name, name, tensors => tensors.Remove(name));
    }

    [Theory]
    [InlineData("memory.step", 0, -1f)]
    [InlineData("memory.scales", 1, 0f)]
    [InlineData("memory.scales", 119, -2f)]
    [InlineData("memory.groups", 5, -1f)]
    [InlineData("memory.groups", 59, 0.5f)]
    public void ANumberByWhichNoDistanceCanBeMeasuredIsRefused(string name, int at, float number) =>
        Refused(name, "damaged", tensors => tensors[name].Numbers[at] = number);

    [Fact]
    public void ASizeThatTheVectorsDoNotHaveIsRefused()
    {
        foreach (string size in new[] { "59", "61" })
            Refused("memory.", "belongs", _ => { }, config => config.With("memory.size", size));
        Refused("memory.", "belongs", _ => { }, config => config.With("memory.width", "17"));
        Refused("it has", "no tensor", _ => { }, config => config.With("memory.size", "0"));
    }

    [Fact]
    public void AFileThatIsCutIsRefused()
    {
        foreach (int cut in new[] { 1, 2000, Made.Value.Length / 2 })
        {
            File.WriteAllBytes(_path, Made.Value[..^cut]);
            Assert.Equal(ExitCode.BadModel, Assert.Throws<MlffAdException>(() => Model.Load(_path)).Code);
        }
    }

    [Fact]
    public void ConfigurationsComeBackAndAreEqualWhateverAnUnusedMemoryWouldBe()
    {
        var config = MemoryFolder.Of(MemoryFolder.Tiny, ("memory.from", "1,3"), ("memory.mean", "true"),
            ("memory.place", "0.25"), ("memory.scaling", "place"), ("memory.smooth", "1.5"), ("memory.readout", "7"));
        var back = Config.FromJson(config.ToJson(indented: true));
        Assert.Equal(config, back);
        string[] keys = ["from", "mean", "place", "scaling", "smooth", "readout"];
        Assert.Equal(["[1,3]", "true", "0.25", "place", "1.5", "7"], keys.Select(key => back.Get($"memory.{key}")));
        Assert.Equal(new Config(), new Config().With("memory.place", "1"));
        Assert.Equal(new Config(), Config.FromJson(new Config().ToJson()));
        Assert.NotEqual(config, config.With("memory.size", "59"));
    }

    /// <summary>Writes the model again with its tensors or its configuration changed, and loads it.</summary>
    private void Refused(string name, string why, Action<Dictionary<string, (int[] Shape, float[] Numbers)>> change,
        Func<Config, Config>? configure = null)
    {
        File.WriteAllBytes(_path, Made.Value);
        Dictionary<string, (int[] Shape, float[] Numbers)> tensors;
        ModelMetadata metadata;
        using (var file = ModelFile.Open(_path))
        {
            metadata = file.Metadata;
            tensors = file.Tensors.Tensors.Values.Where(t => t.DType is DType.F32 or DType.F16)
                .ToDictionary(t => t.Name, t => (t.Shape, file.Tensors.ReadFloats(t.Name, t.Shape)));
        }
        change(tensors);
        ModelFile.Save(_path, metadata with { Config = configure?.Invoke(metadata.Config) ?? metadata.Config },
            tensors.Select(tensor => TensorData.Floats(tensor.Key, tensor.Value.Shape, tensor.Value.Numbers)));
        var e = Assert.Throws<MlffAdException>(() => Model.Load(_path));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.All(new[] { _path, name, why }, part => Assert.Contains(part, e.Message, Ordinal));
    }
}
