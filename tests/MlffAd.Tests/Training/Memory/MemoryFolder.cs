namespace MlffAd.Tests.Training;

/// <summary>Photographs of good parts, drawn, and memories of them that are made in a moment.</summary>
internal sealed class MemoryFolder : IDisposable
{
    /// <summary>64 cells an image, and a random backbone of one block a stage.</summary>
    public static readonly Config Tiny = Of(Preset.Find("memory"), ("imageSize", "64"), ("backbone.stages", "1,1,1"),
        ("backbone.width", "8"), ("memory.size", "60"), ("memory.width", "16"), ("memory.candidates", "400"),
        ("memory.choose", "false"));

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public MemoryFolder(int images)
    {
        for (int i = 0; i < images; i++) Draw($"{i:00}.png", i);
    }

    /// <summary>The good images.</summary>
    public string Parts => In("parts");

    public static Config Of(Config config, params (string Key, string Value)[] keys) =>
        keys.Aggregate(config, (c, key) => c.With(key.Key, key.Value)).Validate();

    public string In(string name) => Path.Combine(_folder, name);

    /// <summary>Grain about a bright bar, each image another; where odd with a chequered patch.</summary>
    public void Draw(string name, int seed, bool odd = false, string folder = "parts", float grain = 20)
    {
        float[] noise = Gradients.Random(3 * 64 * 64, seed, grain);
        Write(name, [.. noise.Select((v, i) =>
        {
            int x = i / 3 % 64, y = i / 3 / 64;
            bool isPatch = odd && x is >= 8 and < 32 && y is >= 24 and < 48;
            return (byte)(isPatch ? (x / 2 + y / 2) % 2 * 255 : (x is > 16 and < 48 ? 180 : 60) + v);
        })], folder);
    }

    /// <summary>Makes a file another that shows the same.</summary>
    public void Reword(string name) => File.AppendAllText(Path.Combine(Parts, name), name);

    /// <summary>One colour all over.</summary>
    public void Fill(string name, byte grey) => Write(name, [.. Enumerable.Repeat(grey, 3 * 64 * 64)], "parts");

    public TrainingRequest Request(Config? config = null, string model = "m.mlffad", string folder = "parts") =>
        new(In(folder), In(model), config ?? Tiny) { Weights = "none" };

    /// <summary>Makes a memory; returns what was said.</summary>
    public static (TrainingOutcome Outcome, List<string> Said) Make(TrainingRequest request, int threads = 1,
        Action<MemoryProgress>? onProgress = null, CancellationTokenSource? stop = null)
    {
        using var device = Device.Open("cpu", threads);
        var said = new List<string>();
        return (MemoryTrainer.Train(request, device, said.Add, onProgress, stop?.Token ?? default), said);
    }

    /// <summary>Makes a memory and loads it.</summary>
    public Model Made(Config? config = null)
    {
        Make(Request(config));
        return Model.Load(In("m.mlffad"));
    }

    public static MlffAdException Refused(TrainingRequest request, ExitCode code)
    {
        var e = Assert.Throws<MlffAdException>(() => Make(request));
        Assert.Equal(code, e.Code);
        Assert.DoesNotContain('\n', e.Message);
        return e;
    }

    /// <summary>The good images as a data set lists them.</summary>
    public IReadOnlyList<ImageItem> Items => DataSet.Open(Parts).Train;

    public static float[] Scores(Model model, IReadOnlyList<ImageItem> items, int batch = 0,
        IReadOnlyDictionary<ulong, int>? groups = null)
    {
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(model, device, batch) { Groups = groups };
        return [.. scorer.Score(items).Select(image => image.Score)];
    }

    /// <summary>The groups of images, if all are remembered: by their contents, in the order of these.</summary>
    public static Dictionary<ulong, int> Groups(IReadOnlyList<ImageItem> items) =>
        items.Select(item => ImageFile.Read(item.Path).Contents).Distinct().Order().Index()
            .ToDictionary(image => image.Item, image => image.Index);

    /// <summary>A backbone that can be frozen, as a file of weights.</summary>
    public string Backbone()
    {
        string path = In("backbone.safetensors");
        var tensors = BackboneLayout.Convolutions([1, 1, 1], 8).SelectMany(conv => conv.Tensors).ToList();
        Safetensors.Write(path, tensors.Select((tensor, i) =>
        {
            float[] noise = Gradients.Random((int)tensor.Shape.Aggregate(1L, (a, b) => a * b), seed: i, scale: 0.2f);
            return TensorData.Floats(tensor.Name, tensor.Shape, noise.Select(v => 0.1f + Math.Abs(v)).ToArray());
        }));
        return path;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string name, byte[] rgb, string folder)
    {
        string path = Path.Combine(In(folder), name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        ImageFile.WritePng(path, new RgbImage(64, 64, rgb));
    }
}
