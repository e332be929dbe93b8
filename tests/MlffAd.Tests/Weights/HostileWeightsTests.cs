using System.Diagnostics;
using System.Text;
using MlffAd.Tests.CommandLine;
using static System.StringComparison;

namespace MlffAd.Tests.Weights;

/// <summary>Weights files that ask for more than they hold, each near a limit and harmless without it.</summary>
public sealed class HostileWeightsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    /// <summary>Calls a function so many times on what the memo 1 holds.</summary>
    private static byte[] Calls(int times, string module, string name, Func<TorchBytes, TorchBytes> argument)
    {
        var pickle = argument(new TorchBytes().Op((byte)']').Global(module, name).Op((byte)'q', 0)).Op((byte)'q', 1);
        for (int i = 0; i < times; i++) pickle.Op((byte)'h', 0, (byte)'h', 1, (byte)'R');
        return pickle.ToArray();
    }

    [Fact]
    public void ACallCostsWhatItIsGiven()
    {
        static TorchBytes Pairs(TorchBytes pickle)
        {
            pickle.Op((byte)']', (byte)'(');
            for (int i = 0; i < 100; i++) pickle.Text($"{i}").Op((byte)'N', 0x86);
            return pickle.Op((byte)'e', 0x85);
        }
        static TorchBytes Sizes(TorchBytes pickle) => pickle.Op((byte)'(', (byte)'(').Text("storage")
            .Global("torch", "FloatStorage").Text("0").Text("cpu").Number(1).Op((byte)'t', (byte)'Q').Number(0)
            .Tuple(new long[60]).Tuple(new long[60]).Op((byte)'t');
        (string, string, Func<TorchBytes, TorchBytes>)[] calls =
        [
            ("collections", "OrderedDict", Pairs), ("torch._utils", "_rebuild_tensor", Sizes),
            ("torch._utils", "_rebuild_tensor_v2", Sizes),
        ];
        foreach (var (module, name, argument) in calls)
        {
            byte[] few = Calls(30, module, name, argument), many = Calls(90, module, name, argument);
            Load(few, few.Length + 30 * 120);
            var e = Assert.Throws<FormatException>(() => Load(many, many.Length + 8000));
            Assert.Contains("makes more than", e.Message, Ordinal);
            Load(many, many.Length + 90 * 120);
        }
        static object? Load(byte[] pickle, int longest) =>
            Pickle.Load(new MemoryStream(pickle), TorchGlobals.FindStorage, longest);
    }

    [Theory]
    [InlineData(64, null)]
    [InlineData(65, "more than 64 dimensions")]
    [InlineData(1000, "more than 64 dimensions")]
    public void ATensorOfAPickleHasFewDimensions(int dimensions, string? reason)
    {
        long[] ones = [.. Enumerable.Repeat(1L, dimensions)];
        WriteTensor("a", "0", ones);
        Check(reason, () =>
        {
            using var file = PyTorchArchive.Open(In("t.pth"));
            Assert.Equal([2.5f], file.ReadFloats("a"));
        });
    }

    [Theory]
    [InlineData(1000, null)]
    [InlineData(1001, "a key of more than 1000 letters")]
    public void AKeyThatCouldBeRecalledForeverIsShort(int length, string? reason)
    {
        WriteTensor(new('k', length), "0", 1);
        Check(reason, () => PyTorchArchive.Open(In("t.pth")).Dispose());
        WriteTensor("a", new('s', 1001), 1);
        Check("a storage whose name", () => PyTorchArchive.Open(In("t.pth")).Dispose());
    }

    [Theory]
    [InlineData(64, null)]
    [InlineData(65, "'x' has more than 64 dimensions")]
    [InlineData(200_000, "'x' has more than 64 dimensions")]
    public void ATensorOfSafetensorsHasFewDimensions(int dimensions, string? reason) => Check(reason, () =>
        SafetensorsFile.Parse(Raw(
            $$$"""{"x":{"dtype":"U8","shape":[{{{Ones(dimensions)}}}],"data_offsets":[0,1]}}""", 1), "f"));

    [Theory]
    [InlineData(100_000, null)]
    [InlineData(100_001, "more than 100000 tensors")]
    public void ASafetensorsFileHasNotTooManyTensors(int count, string? reason)
    {
        const string empty = """ {"dtype":"U8","shape":[0],"data_offsets":[0,0]} """;
        string tensors = string.Join(',', Enumerable.Range(0, count).Select(i => $"\"{i}\":{empty}"));
        Check(reason, () => SafetensorsFile.Parse(Raw($"{{{tensors}}}", 0), "f"));
    }

    [Theory]
    [InlineData("""["s1","s1"]""", "'s1' comes twice")]
    [InlineData("""["s1","same"]""", "'same' comes twice")]
    [InlineData("""["s1","out"]""", "'out' does not lie beside it")]
    [InlineData("""["s1","deeper"]""", "'deeper' does not lie beside it")]
    [InlineData("""["s1","../s1"]""", "'../s1' does not lie beside it")]
    [InlineData("""["s1","circle"]""", "")]
    [InlineData("""["s1","line\nbreak"]""", "")]
    [InlineData("""["s1","\ud800"]""", "")]
    [InlineData("""["s1",""]""", "'' does not lie beside it")]
    [InlineData("""["s2"],"paths2":["s1"]""", "its layers are not")]
    [InlineData("""["link"]""", "its layers are not")]
    public void AShardLiesBesideTheModelAndCountsOnce(string paths, string reason)
    {
        if (!OperatingSystem.IsLinux()) return; // links
        string model = Path.Combine(Directory.CreateDirectory(In("model")).FullName, "model.json");
        foreach (string shard in new[] { "model/s1", "model/s2", "outside", "model/sub/x" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(In(shard))!);
            File.WriteAllBytes(In(shard), [1, 2, 3, 4]);
        }
        (string, string)[] links =
            [("same", "s1"), ("link", "s2"), ("out", "../outside"), ("deeper", "sub/x"), ("circle", "circle")];
        foreach (var (link, target) in links)
            File.CreateSymbolicLink(In($"model/{link}"), target);
        int shards = paths.Count(c => c == ',') + 1 - (paths.Contains("paths2", Ordinal) ? 1 : 0);
        File.WriteAllText(model, $$$"""
            {"weightsManifest":[{"paths":{{{paths}}},
             "weights":[{"name":"a","dtype":"float32","shape":[{{{shards}}}]}]}],
             "modelTopology":{"model_config":{"config":{"layers":[]} } } }
            """);
        Check(reason, () => TensorFlowJs.Open(model).Dispose());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("[null]")]
    [InlineData("[\"2\"]")]
    [InlineData("[2.5]")]
    [InlineData("{}")]
    [InlineData("2")]
    public void StridesThatAreNoneAreRefused(string strides)
    {
        string layer = $$"""{"config":{"name":"res3a_branch2a","strides":{{strides}} } }""";
        File.WriteAllText(In("model.json"), $$$"""
            {"weightsManifest":[],"modelTopology":{"model_config":{"config":{"layers":[{{{layer}}},{{{layer}}}]} } } }
            """);
        Check("", () => TensorFlowJs.Open(In("model.json")).Dispose());
        Assert.Equal(4, CommandRun.Of("weights", "show", In("model.json")).Code);
    }

    [Theory]
    [InlineData("[65 ones]", "more than 64 dimensions")]
    [InlineData("7", "")]
    [InlineData("[4294967296]", "")]
    [InlineData("[2147483647,2147483647,2147483647,2147483647]", "")]
    public void AShapeThatIsNoneIsRefused(string shape, string reason)
    {
        shape = shape.Replace("65 ones", Ones(65), Ordinal);
        File.WriteAllText(In("model.json"), $$$"""
            {"weightsManifest":[{"paths":[],"weights":[{"name":"a","dtype":"float32","shape":{{{shape}}} }]}]}
            """);
        Check(reason, () => TensorFlowJs.Open(In("model.json")).Dispose());
    }

    [Fact]
    public void OfSeveralNetworksOneIsAskedFor()
    {
        string source = In("two.safetensors"), output = In("out.safetensors");
        var layers = BackboneLayout.Convolutions([1, 1, 1], 1).SelectMany(conv => conv.Tensors).ToArray();
        void Write(params string[] prefixes) =>
            Safetensors.Write(source, prefixes.SelectMany((prefix, i) => layers.Select(tensor => TensorData.Floats(
                prefix + tensor.Name, tensor.Shape,
                Enumerable.Repeat(i + 1f, tensor.Shape.Aggregate(1, (a, b) => a * b)).ToArray()))));
        (int Code, string Error) Import(params string[] more)
        {
            var run = CommandRun.Of(["weights", "import", source, "-o", output, .. more]);
            return (run.Code, run.Error);
        }
        float First() => WeightsFile.Load(output).Tensors["conv1.weight"].Values[0];

        Write("student.", "teacher.");
        var (code, error) = Import();
        Assert.Equal(2, code);
        Assert.Contains("2 networks, with names that begin with 'student.' or 'teacher.'; say which", error, Ordinal);
        Assert.Contains("--prefix 'student.'", error, Ordinal);
        Assert.False(File.Exists(output));
        Assert.Equal((0, 1f), (Import("--prefix", "student.").Code, First()));
        Assert.Equal((0, 2f), (Import("--prefix", "teacher").Code, First()));
        (code, error) = Import("--prefix", "nobody");
        Assert.Equal(2, code);
        Assert.Contains("'student.' or 'teacher.'", error, Ordinal);

        Write("", "ema.");
        Assert.Contains("'' or 'ema.'", Import().Error, Ordinal);
        Assert.Equal((0, 1f), (Import("--prefix", "").Code, First()));
        Assert.Equal((0, 2f), (Import("--prefix", "ema").Code, First()));

        Write("a.", "b.", "c.", "d.", "e\n.");
        Assert.Contains("5 networks, with names that begin with 'a.' or 'b.' or 'c.' or 'd.'", Import().Error, Ordinal);

        Write("only.");
        Assert.Equal(0, Import().Code);
        Assert.Equal(2, Import("--prefix", "other").Code);
        Write();
        Assert.Equal(2, Import("--prefix", "other").Code);
        Assert.Equal(4, Import().Code); // nothing of it is there
    }

    /// <summary>A PyTorch file of one tensor, of one number.</summary>
    private void WriteTensor(string name, string storage, params long[] ones)
    {
        byte[] pickle = new TorchBytes().Op((byte)'}').Text(name).Tensor("FloatStorage", storage, 1, 0, ones, ones)
            .Op((byte)'s').ToArray();
        File.WriteAllBytes(In("t.pth"), TorchBytes.Zip(pickle, [TorchBytes.Bytes(2.5f)]));
    }

    private static string Ones(int count) => string.Join(',', Enumerable.Repeat(1, count));

    /// <summary>Opens, or is refused for the reason, at once.</summary>
    private static void Check(string? reason, Action open)
    {
        var clock = Stopwatch.StartNew();
        if (reason is null) open();
        else
        {
            var e = Assert.Throws<MlffAdException>(open);
            Assert.Equal(ExitCode.BadModel, e.Code);
            Assert.Contains(reason, e.Message, Ordinal);
        }
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
    }

    private static byte[] Raw(string header, int data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. new byte[data]];
    }
}
