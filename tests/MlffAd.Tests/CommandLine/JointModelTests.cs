using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlffAd.Tests.Training;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Every verb takes a model of a memory and a network beside it.</summary>
[Collection(nameof(TinyModel))]
public sealed class JointModelTests(TinyModel tiny, JointModelTests.Made made) : IClassFixture<JointModelTests.Made>
{
    [Fact]
    public void TrainingSaysWhatEachOfThemIsThere()
    {
        var run = made.By(tiny);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains(run.Lines, line => line.StartsWith("Trained on 24 images in ", Ordinal));
        Assert.Contains("Beside it 60 cells are remembered, which judge an image alone; in the map the network counts "
            + "0.5 to 1.", run.Lines);
        Assert.Single(run.Lines, line => line.StartsWith("Quality ", Ordinal));
    }

    [Fact]
    public void VerbsThatReadAModelTakeIt()
    {
        made.By(tiny);
        string report = tiny.PathOf("joint-report"), json = tiny.PathOf("joint.json");
        string test = Path.Combine(tiny.Data, "test");
        string shown = Good("show", made.Model, "--json", json).Output;
        Assert.Contains("counts 0.5 in the map", shown, Ordinal);
        Assert.Contains("\"network\"", File.ReadAllText(json), Ordinal);
        Good("plan", made.Model, "--device", "cpu");
        Good("evaluate", made.Model, tiny.Data, "--report", report, "--device", "cpu");
        Good("threshold", made.Model, Path.Combine(tiny.Data, "train", "good"), "--dry-run", "--device", "cpu");
        Assert.InRange(CommandRun.Of("detect", made.Model, test, "--device", "cpu").Code, 0, 1);
    }

    /// <summary>The image's score is the memory's, the map is of both.</summary>
    [Fact]
    public void OnnxRuntimeGivesTheSameScores()
    {
        made.By(tiny);
        string file = tiny.PathOf("joint.onnx");
        Good("export", "onnx", made.Model, "-o", file);
        var items = DataSet.Open(tiny.Data).Test;
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(Model.Load(made.Model), device);
        using var session = new InferenceSession(file);
        foreach (var image in scorer.Score(items))
        {
            byte[] rgb = ImageFile.Read(image.Item.Path).Resize(64, 64).Rgb;
            using var results =
                session.Run([NamedOnnxValue.CreateFromTensor("image", new DenseTensor<byte>(rgb, [1, 64, 64, 3]))]);
            float[] Result(string name) => [.. results.Single(result => result.Name == name).AsEnumerable<float>()];
            Assert.Equal(image.Score, Assert.Single(Result("score")), 1e-3f * MathF.Max(1, MathF.Abs(image.Score)));
            float size = image.Cells!.Values.Max(MathF.Abs);
            Assert.Equal(image.Cells.Values, Result("score_map"), (a, b) => MathF.Abs(a - b) < 1e-4f * size);
        }
    }

    [Theory]
    [InlineData("memory.networkScales", 0f, "has a factor of 0, not above 0")]
    [InlineData("memory.networkScales", float.NaN, "not finite")]
    public void AFactorByWhichNothingCanCountIsRefused(string name, float factor, string why)
    {
        made.By(tiny);
        string path = tiny.PathOf("damaged.mlffad");
        using (var file = ModelFile.Open(made.Model))
            ModelFile.Save(path, file.Metadata, file.ReadTensors().Select(tensor => tensor.Name != name ? tensor
                : TensorData.Floats(name, tensor.Shape, Enumerable.Repeat(factor, tensor.Shape[0] * 2).ToArray())));
        var e = Assert.Throws<MlffAdException>(() => Model.Load(path));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(why, e.Message, Ordinal);
    }

    private static CommandRun Good(params string[] words)
    {
        var run = CommandRun.Of(words);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return run;
    }

    /// <summary>One that is trained when it is first asked for.</summary>
    public sealed class Made : IDisposable
    {
        private readonly MemoryFolder _folder = new(images: 1);
        private CommandRun? _run;

        public string Model => _folder.In("joint.mlffad");

        internal CommandRun By(TinyModel tiny) => _run ??= CommandRun.Of(["train", tiny.Data, "-o", Model,
            "--device", "cpu", "--preset", "fast", "--weights", _folder.Backbone(), "--max-images", "24",
            .. EarlierBytesTests.Small.Append(("memory.size", "60")).Append(("memory.width", "16"))
                .Append(("memory.candidates", "400")).Append(("memory.choose", "false"))
                .Append(("memory.network", "0.5")).SelectMany(key => new[] { "--set", $"{key.Item1}={key.Item2}" })]);

        public void Dispose() => _folder.Dispose();
    }
}
