using MlffAd.Cli;

namespace MlffAd.Tests.Weights;

public sealed class WeightsImportTests : IDisposable
{
    private static readonly ConvBn[] Layers = [.. BackboneLayout.Convolutions([2, 1, 1], 2)];

    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    private string Output => Path.Combine(folder, "out.safetensors");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void SafetensorsUnderAPrefixLoseBiasesAndWhatHasNoPlace()
    {
        var all = Tensors(biases: true).Select(t => TensorData.Floats("module." + t.Name, t.Shape, t.Values))
            .Append(TensorData.Floats("module.fc.weight", [1, 2], new float[2]))
                .Append(TensorData.Floats("queue", [1], new float[1]));
        string source = Path.Combine(folder, "source.safetensors");
        Safetensors.Write(source, all);

        using var import = WeightsImport.Open(source, new Dictionary<string, string>
        {
            ["stride"] = "1x1",
            ["licence"] = "ours",
        });
        Assert.Equal(["module.fc.weight", "queue"], import.Unused.Order());
        Assert.Empty(import.Missing);
        Assert.Equal(Layers.Length * 6, import.Used.Count);
        Assert.Contains(import.Notes,
            note => note.Contains($"{Layers.Length} convolution biases", StringComparison.Ordinal));
        Assert.Contains(import.Notes, note => note.Contains("bn_eps", StringComparison.Ordinal));
        import.Write(Output, half: true);

        using (var file = SafetensorsFile.Open(Output)) Assert.Equal((DType.F16, DType.F32),
            (file["conv1.weight"].DType, file["bn1.running_var"].DType));
        CheckValues(WeightsFile.Load(Output), half: true);
        var (stride, eps, preprocessing, origin, licence, hash) = WeightsFile.Load(Output).Metadata;
        Assert.Equal((StrideIn.OneByOne, 1e-5, "source.safetensors", "ours", 64),
            (stride, eps, origin, licence, hash!.Length));
        Assert.Equal(Preprocessing.ImageNet.Mean, preprocessing!.Mean);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void APyTorchFileGivesTheSameBytesFromEitherContainer(bool legacy)
    {
        var tensors = Tensors(biases: false).ToArray();
        byte[][] storages = [.. tensors.Select(t => TorchBytes.Bytes<float>(t.Values))];
        byte[] pickle = new TorchBytes().StateDict(tensors, legacy).ToArray();
        string source = Path.Combine(folder, "net.pth");
        File.WriteAllBytes(source, legacy ? TorchBytes.Legacy(pickle, storages, 4) : TorchBytes.Zip(pickle, storages));
        using var import = WeightsImport.Open(source);
        import.Write(Output, half: false);
        CheckValues(WeightsFile.Load(Output), biases: false);
        Assert.Equal(StrideIn.ThreeByThree, import.Parsed.StrideIn);
    }

    [Theory]
    [InlineData("2a", StrideIn.OneByOne)]
    [InlineData("2b", StrideIn.ThreeByThree)]
    public void ATensorFlowModelSaysItsStrideAndEpsilonAndIsTransposed(string strided, StrideIn expected)
    {
        string source = WriteTensorFlow(strided);
        using (var import = WeightsImport.Open(source))
        {
            Assert.Equal(["fc1000/bias"], import.Unused);
            import.Write(Output, half: false);
        }
        var weights = WeightsFile.Load(Output);
        CheckValues(weights);
        Assert.Equal((expected, 1e-3), (weights.Metadata.StrideIn, weights.Metadata.BnEps));
        Assert.Equal(("BGR", 1f), (weights.Metadata.Preprocessing!.Order, weights.Metadata.Preprocessing.Scale));
        Assert.Equal([103.939f, 116.779f, 123.68f], weights.Metadata.Preprocessing.Mean);
    }

    [Theory]
    [InlineData("\"dtype\":\"float32\"", "\"dtype\":\"float32\",\"quantization\":{\"dtype\":\"uint8\"}", "quantised")]
    [InlineData("\"dtype\":\"float32\"", "\"dtype\":\"string\"", "'string'")]
    [InlineData("shard1", "../shard1", "beside"), InlineData("shard1", "missing", "missing")]
    [InlineData("\"model_config\"", "\"node\"", "graph model")]
    [InlineData("\"epsilon\":0.001", "\"epsilon\":0.01", "epsilon")]
    [InlineData("\"strides\":[2,2]", "\"strides\":[1,1]", "stride")]
    [InlineData("\"shape\":[7,7,3,2]", "\"shape\":[7,7,3,1]", "bytes")]
    [InlineData("\"shape\":[7,7,3,2]", "\"shape\":[7,7,3,-2]", "negative")]
    [InlineData("\"shape\":[7,7,3,2]", "\"shape\":[2147483647,2147483647,2147483647]", "")]
    [InlineData("\"weightsManifest\"", "\"weights\"", ""), InlineData("{", "[", "")]
    public void ATensorFlowModelThatCannotBeUsedIsRefusedByName(string from, string to, string reason)
    {
        string source = WriteTensorFlow("2a"), json = File.ReadAllText(source);
        int at = json.IndexOf(from, StringComparison.Ordinal);
        File.WriteAllText(source, json[..at] + to + json[(at + from.Length)..]);
        var e = Assert.Throws<MlffAdException>(() => TensorFlowJs.Open(source));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(source, e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("res2a_branch1/kernel", "layer1.0.downsample.0.weight")]
    [InlineData("bn4f_branch2c/moving_variance", "layer3.5.bn3.running_var"), InlineData("bn_conv1/beta", "bn1.bias")]
    [InlineData("res5c_branch2b/bias", "layer4.2.conv2.bias"), InlineData("fc1000/kernel", null)]
    [InlineData("res2a_branch2a/gamma", null)]
    public void KerasNamesHaveTheirCounterpart(string keras, string? expected) =>
    Assert.Equal(expected, TensorFlowJs.TorchvisionName(keras));

    [Fact]
    public void WhatIsMissingIsListedAndNothingIsWritten()
    {
        string source = Path.Combine(folder, "source.safetensors");
        Safetensors.Write(source, Tensors(biases: false).Where(t => t.Name != "layer1.1.bn2.running_var")
            .Select(t => TensorData.Floats(t.Name, t.Shape, t.Values)));
        using var import = WeightsImport.Open(source);
        Assert.Equal(["layer1.1.bn2.running_var"], import.Missing);
        Assert.Contains("layer1.1.bn2.running_var",
            Assert.Throws<MlffAdException>(() => import.Write(Output, half: false)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public void AnotherKindOfNetworkAndNumbersThatAreNoneAreRefused()
    {
        string source = Path.Combine(folder, "source.safetensors");
        Safetensors.Write(source, Tensors(biases: false).Select(t => t.Name == "layer1.0.conv2.weight"
            ? ("layer1.0.conv2.weight", [2, 1, 3, 3], new float[18])
            : t).Select(t => TensorData.Floats(t.Item1, t.Item2, t.Item3)));
        Assert.Contains("'layer1.0.conv2.weight' is [2,1,3,3]",
            Assert.Throws<MlffAdException>(() => WeightsImport.Open(source)).Message, StringComparison.Ordinal);
        Safetensors.Write(source, Tensors(biases: false)
            .Select(t => TensorData.Floats(t.Name, t.Shape, t.Name == "bn1.bias" ? [1, float.NaN] : t.Values)));
        using var import = WeightsImport.Open(source);
        Assert.Contains("'bn1.bias'", Assert.Throws<MlffAdException>(() => import.Write(Output, half: false)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void TheCommandImportsAndShows()
    {
        string source = WriteTensorFlow("2a");
        var (code, output, error) =
            Run("weights", "import", source, "-o", Output, "--half", "--metadata", "licence=MIT");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("Not used: 1 tensors:\n  fc1000/bias", output, StringComparison.Ordinal);
        Assert.Contains("Missing: 0 tensors.", output, StringComparison.Ordinal);
        (code, output, error) = Run("weights", "show", Output);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("licence: MIT", output, StringComparison.Ordinal);
        Assert.Contains("channel_order: BGR", output, StringComparison.Ordinal);
        Assert.Contains("conv1.weight", output, StringComparison.Ordinal);
        Assert.Equal(2, Run("weights", "import", source, "-o", Output, "--metadata", "licence").Code);
        Assert.Equal(4, Run("weights", "import", Path.Combine(folder, "none.pth"), "-o", Output).Code);
        Assert.Equal(7, Run("weights", "import", source, "-o", Path.Combine(folder, "none", "out")).Code);
    }

    private static (int Code, string Output, string Error) Run(params string[] args)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new();
        return (Program.Run(args, output, error), output.ToString(), error.ToString());
    }

    /// <summary>A little network: every tensor holds numbers that name it and their place, so that a
    /// wrong order shows.</summary>
    private static IEnumerable<(string Name, int[] Shape, float[] Values)> Tensors(bool biases)
    {
        foreach (var (i, layer) in Layers.Index())
        {
            foreach (var (j, (name, shape)) in layer.Tensors.Index()) yield return (name, shape,
                Values(shape, i * 8 + j));
            if (biases) yield return (layer.Conv + ".bias", [layer.Shape[0]], Values([layer.Shape[0]], i * 8 + 5));
        }
    }

    /// <summary>Numbers that float16 holds exactly.</summary>
    private static float[] Values(int[] shape, int key) =>
        [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b))
            .Select(i => ((i * 7 + key * 13) % 512 - 200) / 64f)];

    private static void CheckValues(WeightsFile weights, bool half = false, bool biases = true)
    {
        Assert.Equal([2, 1, 1], weights.Stages);
        Assert.Equal(2, weights.Width);
        Assert.Equal(Layers.Length * 5, weights.Tensors.Count);
        foreach (var (i, layer) in Layers.Index())
            foreach (var (j, (name, shape)) in layer.Tensors.Index())
            {
                float[] expected = Values(shape, i * 8 + j);
                if (biases && name.EndsWith("running_mean", StringComparison.Ordinal))
                    expected = [.. expected.Zip(Values(shape, i * 8 + 5), (mean, bias) => mean - bias)];
                Assert.Equal(expected, weights.Tensors[name].Values);
            }
        Assert.True(half || weights.Tensors["conv1.weight"].Values.Max() > 1);
    }

    /// <summary>The little network as tfjs-converter writes it: kernels [KH, KW, Cin, Cout], two shards cut in the
    /// middle of a number.</summary>
    private string WriteTensorFlow(string strided)
    {
        var manifest = new List<string>();
        var layers = new List<string>();
        var data = new MemoryStream();
        void Weight(string name, int[] shape, float[] values)
        {
            manifest.Add($$"""{"name":"{{name}}","shape":[{{string.Join(',', shape)}}],"dtype":"float32"}""");
            data.Write(TorchBytes.Bytes<float>(values));
        }
        foreach (var (i, layer) in Layers.Index())
        {
            (string conv, string bn) = Keras(layer);
            bool isStrided = layer.Conv is "layer2.0.downsample.0" or "layer3.0.downsample.0"
                || layer.Conv[..^1] is "layer2.0.conv" or "layer3.0.conv"
                && conv.EndsWith(strided, StringComparison.Ordinal);
            layers.Add(
                $$$"""{"class_name":"Conv2D","config":{"name":"{{{conv}}}","strides":[{{{(isStrided ? "2,2" : "1,1")}}}]}}""");
            layers.Add($$$"""{"class_name":"BatchNormalization","config":{"name":"{{{bn}}}","epsilon":0.001}}""");
            var (o, c, h, w) = (layer.Shape[0], layer.Shape[1], layer.Shape[2], layer.Shape[3]);
            float[] values = Values(layer.Shape, i * 8), kernel = new float[values.Length];
            for (int n = 0; n < values.Length; n++)
                kernel[(n % (h * w) * c + n / (h * w) % c) * o + n / (h * w * c)] = values[n];
            Weight($"{conv}/kernel", [h, w, c, o], kernel);
            Weight($"{conv}/bias", [o], Values([o], i * 8 + 5));
            foreach (var (j, part) in new[] { "gamma", "beta", "moving_mean",
                "moving_variance" }.Index()) Weight($"{bn}/{part}", [o], Values([o], i * 8 + 1 + j));
        }
        Weight("fc1000/bias", [2], [1, 2]);
        byte[] bytes = data.ToArray();
        File.WriteAllBytes(Path.Combine(folder, "shard1"), bytes[..777]);
        File.WriteAllBytes(Path.Combine(folder, "shard2"), bytes[777..]);
        string source = Path.Combine(folder, "model.json");
        File.WriteAllText(source, $$$$"""
            {"modelTopology":{"model_config":{"config":{"layers":[{{{{string.Join(',', layers)}}}}]}}},
             "weightsManifest":[{"paths":["shard1","shard2"],"weights":[{{{{string.Join(',', manifest)}}}}]}]}
            """);
        return source;
    }

    private static (string Conv, string Bn) Keras(ConvBn layer)
    {
        if (layer.Conv == "conv1") return ("conv1", "bn_conv1");
        string[] parts = layer.Conv.Split('.');
        char block = (char)('a' + int.Parse(parts[1], CultureInfo.InvariantCulture));
        string branch = parts[2] == "downsample" ? "1" : "2" + (char)('a' + parts[2][4] - '1');
        string place = $"{parts[0][5] - '0' + 1}{block}_branch{branch}";
        return ("res" + place, "bn" + place);
    }
}
