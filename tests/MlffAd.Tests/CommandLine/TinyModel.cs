namespace MlffAd.Tests.CommandLine;

/// <summary>A drawn data set in MVTec AD's layout and a tiny model trained on it for a few steps, made once for all
/// tests that take it.</summary>
public sealed class TinyModel : IDisposable
{
    private readonly Lazy<CommandRun> _making;

    public TinyModel()
    {
        for (int i = 0; i < 10; i++) Draw("train/good", i, defect: false);
        for (int i = 0; i < 3; i++) Draw("test/good", 20 + i, defect: false);
        for (int i = 0; i < 3; i++) Draw("test/square", 30 + i, defect: true);
        Training = CommandRun.Of(["train", Data, "-o", Model, .. Tiny]);
        _making = new(() => CommandRun.Of(["train", Data, "-o", PathOf("memory.mlffad"), .. Remembering]));
    }

    /// <summary>Options that make training take a second.</summary>
    public static string[] Tiny { get; } = ["--device", "cpu", "--preset", "tiny", "--weights", "none", "--batch", "4",
        "--max-images", "24"];

    public string Folder { get; } = Directory.CreateTempSubdirectory("mlffad").FullName;

    public string Data => Path.Combine(Folder, "squares");

    public string Model => Path.Combine(Folder, "squares.mlffad");

    internal CommandRun Training { get; }

    /// <summary>Options that make a memory in a moment.</summary>
    public static string[] Remembering { get; } =
    [
        "--device", "cpu", "--weights", "none", "--imageSize", "64",
        "--backbone.stages", "1,1,1", "--backbone.width", "8",
        "--memory.size", "60", "--memory.width", "16", "--memory.candidates", "400",
        "--memory.choose", "false",
    ];

    /// <summary>A memory of the same images, made when it is first asked for.</summary>
    public string Memory =>
        Making.Code == 0 ? PathOf("memory.mlffad") : throw new InvalidOperationException(Making.Error);

    internal CommandRun Making => _making.Value;

    /// <summary>A path for something that a test writes.</summary>
    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>A copy of the data set for a test that changes it.</summary>
    public string CopyData(string name)
    {
        string copy = PathOf(name);
        foreach (string file in Directory.GetFiles(Data, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(copy, Path.GetRelativePath(Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return copy;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Grey grain of 72 × 64, where defective with a bright square, and its mask.</summary>
    private void Draw(string kind, int number, bool defect)
    {
        var rng = new Random(number);
        byte[] rgb = new byte[3 * 72 * 64], mask = new byte[3 * 72 * 64];
        for (int i = 0; i < 72 * 64; i++) rgb.AsSpan(3 * i, 3).Fill((byte)rng.Next(90, 130));
        if (defect)
            for (int y = 20; y < 36; y++)
                for (int x = 30 + number % 3; x < 46; x++)
                {
                    rgb.AsSpan(3 * (y * 72 + x), 3).Fill(250);
                    mask.AsSpan(3 * (y * 72 + x), 3).Fill(255);
                }
        Write(kind, $"{number:00}.png", rgb);
        if (defect)
            Write(kind.Replace("test", "ground_truth", StringComparison.Ordinal), $"{number:00}_mask.png", mask);
    }

    private void Write(string kind, string name, byte[] rgb)
    {
        Directory.CreateDirectory(Path.Combine(Data, kind));
        ImageFile.WritePng(Path.Combine(Data, kind, name), new RgbImage(72, 64, rgb));
    }
}

/// <summary>Tests of one collection run one after the other and share the model.</summary>
[CollectionDefinition(nameof(TinyModel))]
public sealed class TinyModelCollection : ICollectionFixture<TinyModel>;
