using System.IO.Compression;
using System.Text;
using MlffAd.Reporting;
using MlffAd.Tests.Weights;
using MlffAd.Training;

namespace MlffAd.Fuzz;

/// <summary>Weights, models and states of training.</summary>
internal static class WeightFormats
{
    private static readonly string[] Words =
    [
        "\"F32\"", "\"F16\"", "\"BF16\"", "\"U8\"", "\"F64\"", "\"shape\":", "\"dtype\":", "\"data_offsets\":",
        "\"__metadata__\":", "{", "}", "[", "]", ",", ":", "\\\"", "mlffad/1", "mlffad/2", "mlffad/3",
        "layer1.0.conv1.weight",
    ];

    [ThreadStatic] private static Device? _device;

    private static readonly RgbImage Photograph =
        new(64, 64, [.. Enumerable.Range(0, 3 * 64 * 64).Select(i => (byte)(i * i >> 4))]);

    private static readonly Config Tiny = Of("tiny", ("backbone.width", "1"), ("texture.width", "4"),
        ("texture.statWidth", "4"), ("texture.mlpWidth", "4"), ("texture.levels1d", "4"), ("texture.levels2d", "2"),
        ("texture.scales", "1"), ("sc.width", "4"), ("fusion.width", "4"));

    /// <summary>Few tensors; a state has three of each.</summary>
    private static readonly Config Plain = Of("tiny", ("backbone.width", "1"), ("texture.enabled", "false"),
        ("sc.enabled", "false"), ("fusion.width", "4"));

    private static readonly Config Memory = Of("memory", ("imageSize", "64"), ("backbone.stages", "1,1,1"),
        ("backbone.width", "1"), ("memory.size", "10"), ("memory.width", "4"), ("memory.scaling", "vector"));

    private static readonly (string Name, int[] Shape, float[] Values)[] Backbone =
        [.. BackboneLayout.Convolutions([1, 1, 1], 1).SelectMany(conv => conv.Tensors).Select(t => (t.Name, t.Shape,
            Enumerable.Range(0, t.Shape.Aggregate(1, (a, b) => a * b)).Select(i => i % 9 + 0.5f).ToArray()))];

    public static FileFormat[] All =>
    [
        Tensors("weights", [Weights(WeightsMetadata())], path =>
        {
            using (var import = WeightsImport.Open(path)) { }
            WeightsFile.Load(path);
        }),
        Tensors("model", [Model(Tiny), Model(Memory)], path =>
        {
            var model = MlffAd.Model.Load(path);
            ModelFacts.Of(model);
            if (model.Metadata.Earlier.Count > 0) ModelHistory.Undo(path, output: null);
            using (var file = ModelFile.Open(path))
            {
                KeptPictures.Read(file);
                RememberedCells.Read(file);
            }
            if (model.Metadata.Config.ImageSize > 128) return; // takes its time, and may
            using var scorer = new Scorer(model, Device, batch: 1);
            scorer.Score([Photograph])[0].Readout(model.Metadata.Config);
        }),
        Tensors("state", [State()], path =>
        {
            using var state = Checkpoint.Open(path);
            var m = state.Metadata;
            state.RequireSame(m.Config, Config.Keys.Select(key => key.Name));
            state.RequireSame(m.Files);
            TrainingState.From(m);
            var list = MlffNetwork.Parameters(m.Config);
            foreach (string prefix in new[] { "weights/", "velocity/" })
                NetworkWeights.Read(list, state.Tensors, prefix, "stats/");
        }),
        new("pth", [.. Pths()], ExitCode.BadModel, ReadAll)
        {
            FirstCheck = IsArchive,
            Repair = Repairs.Zip,
            Words =
            [
                "PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "data.pkl", "(", "t", "R", "}", "u", "e", "]", "q\0", "h\0",
                "X\x01\0\0\0a", "ctorch._utils\n_rebuild_tensor_v2\n", "ccollections\nOrderedDict\n",
                "ctorch\nFloatStorage\n", "\x8A\x08", "\x86", ".",
            ],
        },
        new("tfjs", [new(Encoding.UTF8.GetBytes(TensorFlow()), int.MaxValue)], ExitCode.BadModel, path =>
        {
            string shard = Path.Combine(Path.GetDirectoryName(path)!, "shard");
            if (!File.Exists(shard)) File.WriteAllBytes(shard, new byte[4 * Backbone.Sum(t => t.Values.Length)]);
            ReadAll(path);
        })
        {
            FirstCheck = TextFormats.IsJson,
            IsText = true,
            Words =
            [
                "\"shape\":", "\"dtype\":", "\"quantization\":", "\"strides\":", "\"epsilon\":",
                "\"weightsManifest\":", "{", "}", "[", "]", ",",
            ],
        },
    ];

    private static Device Device => _device ??= Device.Open("cpu", 1);

    private static FileFormat Tensors(string name, byte[][] seeds, Action<string> read) =>
        // Half of what is broken in the header is broken in what it says of the network: where the tensors' places are
        // wrong, little else is looked at.
        new(name, [.. seeds.SelectMany(bytes => new[]
        {
            new Seed(bytes, 8 + (int)BitConverter.ToInt64(bytes)), new Seed(bytes, bytes.AsSpan().IndexOf("\"},\""u8)),
        })], ExitCode.BadModel, read)
        {
            FirstCheck = bytes =>
            {
                try { SafetensorsFile.Parse(bytes, name).Dispose(); }
                catch (MlffAdException) { return false; }
                return true;
            },
            Repair = Repairs.Safetensors,
            IsText = true,
            Words = Words,
        };

    /// <summary>A file of any of the three formats: every tensor of it, and a backbone that it may hold.</summary>
    private static void ReadAll(string path)
    {
        using (var source = WeightsImport.OpenSource(path))
        {
            foreach (string name in source.Tensors.Keys) source.ReadFloats(name);
            source.Hash();
        }
        using var import = WeightsImport.Open(path);
    }

    private static bool IsArchive(byte[] bytes)
    {
        if (bytes is [0x80, _, 0x8A, 10, ..]) return true;
        if (bytes is not [(byte)'P', (byte)'K', 3, 4, ..]) return false;
        try
        {
            using var zip = new ZipArchive(new MemoryStream(bytes));
            return zip.Entries.Count > 0;
        }
        catch (Exception e) when (e is InvalidDataException or IOException) { return false; }
    }

    private static Config Of(string preset, params (string Key, string Value)[] keys) =>
        keys.Aggregate(Preset.Find(preset), (config, key) => config.With(key.Key, key.Value)).Validate();

    private static Dictionary<string, string> WeightsMetadata() => new()
    {
        ["format"] = "mlffad-weights/1",
        ["stride"] = "3x3",
        ["bn_eps"] = "1e-05",
        ["channel_order"] = "RGB",
        ["value_scale"] = "0.00392156862745098",
        ["mean"] = "[0.485,0.456,0.406]",
        ["std"] = "[0.229,0.224,0.225]",
        ["source"] = "seed",
    };

    private static byte[] Weights(Dictionary<string, string> metadata)
    {
        using var stream = new MemoryStream();
        Safetensors.Write(stream, Backbone.Select(t => TensorData.Floats(t.Name, t.Shape, t.Values)), metadata);
        return stream.ToArray();
    }

    private static byte[] Model(Config config)
    {
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), 1);
        foreach (var constant in weights.List.Constants.Where(c => c.Name != MemoryNetwork.Vectors))
            weights[constant].Fill(1);
        var losses = config.HasMemory ? null : new FinalLosses(1.5, 0.5, 0.75, 0.25);
        var metadata = new ModelMetadata(config, Preprocessing.ImageNet, 0.9f,
            new Calibration([0.1f, 0.25f, 1f], 0.99, 0.999, 0.9f, 0.7f),
            new TrainingRecord(1, 24, 0, "random", losses) { Photographs = 6, LossTrend = 0.9 }, "seed");
        metadata = metadata.With(new ThresholdSetting(0.5f, 0.4f, null, "the user")) with
        {
            Quality = new(0.9, 0.8, 4, 16),
        };
        if (!config.HasMemory) return Written(path => ModelFile.Save(path, metadata, weights.ToTensorData()));
        // One that has learnt a picture, and keeps it.
        var kept = KeptPictures.Of([Photograph], [1, 2], new Dictionary<ulong, int> { [1] = 1 });
        var extent = new MemoryExtent(8, 10, 20, 2, 0) { Quality = metadata.Quality };
        metadata = metadata.WithMore(config, 1, extent, new ThresholdSetting(0.6f, null, null, "learning"));
        return Written(path => ModelFile.Save(path, metadata,
        [
            .. weights.ToTensorData(), .. kept.ToTensorData(config.ImageSize),
            .. new RememberedCells([new float[config.Cells]], [new float[config.Cells]]).ToTensorData(),
            TensorData.Floats(extent.ScalesName, [8, 2], new float[16]),
        ]));
    }

    private static byte[] State()
    {
        var weights = Initialisation.Random(MlffNetwork.Parameters(Plain), 1);
        var metadata = new CheckpointMetadata(Plain, Preprocessing.ImageNet,
            new TrainingRecord(1, 64, 7, "random", null), 7, "seed",
            [new("train/good/001.png", "ab"), new("train/good/000.png", "cd")], new Dictionary<string, double>
            {
                ["skipped"] = 2,
                ["seconds"] = 0.1,
                ["maxImages"] = 100,
                ["sum.total"] = 1.5,
                ["trend.steps"] = 2,
                ["trend.00"] = 1.5,
            });
        return Written(path => Checkpoint.Save(path, metadata,
        [
            .. weights.ToTensorData("weights/", "stats/"),
            .. NetworkWeights.Write(weights.List.Trained, weights.Trained, "velocity/"),
        ]));
    }

    private static byte[] Written(Action<string> write)
    {
        string path = Path.GetTempFileName();
        try
        {
            write(path);
            return File.ReadAllBytes(path);
        }
        finally { File.Delete(path); }
    }

    /// <summary>Either container whole, and the pickle alone, put into its container when it is broken.</summary>
    private static IEnumerable<Seed> Pths()
    {
        byte[][] storages = [.. Backbone.Select(t => TorchBytes.Bytes<float>(t.Values))];
        foreach (bool legacy in new[] { false, true })
        {
            byte[] pickle = new TorchBytes().StateDict(Backbone, legacy).ToArray();
            byte[] File(byte[] description) =>
                legacy ? TorchBytes.Legacy(description, storages, 4) : TorchBytes.Zip(description, storages);
            yield return new Seed(File(pickle), 512);
            yield return new Seed(pickle, int.MaxValue) { Wrap = File };
        }
    }

    /// <summary>The little backbone as tfjs-converter writes it, under keras' names.</summary>
    private static string TensorFlow()
    {
        var (layers, weights) = (new List<string>(), new List<string>());
        string[] blocks = ["2a", "3a", "4a"];
        Convolution("conv1", "bn_conv1", [7, 7, 3, 1], 2);
        int inputs = 1;
        foreach (var (k, block) in blocks.Index())
        {
            int inner = 1 << k, outputs = 4 * inner, stride = k == 0 ? 1 : 2;
            Convolution($"res{block}_branch2a", $"bn{block}_branch2a", [1, 1, inputs, inner], stride);
            Convolution($"res{block}_branch2b", $"bn{block}_branch2b", [3, 3, inner, inner], 1);
            Convolution($"res{block}_branch2c", $"bn{block}_branch2c", [1, 1, inner, outputs], 1);
            Convolution($"res{block}_branch1", $"bn{block}_branch1", [1, 1, inputs, outputs], stride);
            inputs = outputs;
        }
        return $$$"""
            {"modelTopology":{"model_config":{"config":{"layers":[{{{string.Join(',', layers)}}}]} } },
             "weightsManifest":[{"paths":["shard"],"weights":[{{{string.Join(',', weights)}}}]}]}
            """;

        void Convolution(string conv, string bn, int[] shape, int stride)
        {
            layers.Add($$$"""{"config":{"name":"{{{conv}}}","strides":[{{{stride}}},{{{stride}}}]}}""");
            layers.Add($$$"""{"config":{"name":"{{{bn}}}","epsilon":0.001}}""");
            Weight($"{conv}/kernel", shape);
            foreach (string part in new[] { "gamma", "beta", "moving_mean", "moving_variance" })
                Weight($"{bn}/{part}", [shape[^1]]);
        }

        void Weight(string name, int[] shape) =>
            weights.Add($$"""{"name":"{{name}}","shape":[{{string.Join(',', shape)}}],"dtype":"float32"}""");
    }
}
