using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlffAd.Execution.Onnx;
using ModelMetadata = MlffAd.Models.ModelMetadata;

namespace MlffAd.Tests.CommandLine;

[Collection(nameof(TinyModel))]
public sealed class ExportCommandTests(TinyModel tiny)
{
    /// <summary>Scores, score maps and pixel maps as ONNX Runtime computes them are ours, and where it resizes the
    /// image, it does so within one grey level.</summary>
    [Fact]
    public void OnnxRuntimeGivesTheSameScores()
    {
        string file = tiny.PathOf("tiny.onnx");
        var run = CommandRun.Of("export", "onnx", tiny.Model, "-o", file);
        Assert.Equal((0, ""), (run.Code, run.Error));
        var model = Model.Load(tiny.Model);
        using var session = new InferenceSession(file);
        Assert.Equal(model.Metadata.Threshold, float.Parse(session.ModelMetadata.CustomMetadataMap["threshold"],
            System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal("squares", session.ModelMetadata.CustomMetadataMap["class"]);
        using var resize = new InferenceSession(OnnxWriter.WriteResize(model.Metadata.Config, model.Weights));
        foreach (var (height, width) in new[] { (64, 64), (61, 90), (200, 130) }) Compare(model, session, height,
            width, images: 2, resize);
        Assert.Equal(7, CommandRun.Of("export", "onnx", tiny.Model, "-o", tiny.PathOf("nowhere/tiny.onnx")).Code);
        Assert.Equal(4,
            CommandRun.Of("export", "onnx", Path.Combine(tiny.Data, "train", "good", "00.png"), "-o", file).Code);
    }

    /// <summary>Numbers so large that scores are none, in one place of the map or in all.</summary>
    [Theory]
    [InlineData("backbone.conv1.weight")]
    [InlineData("backbone.layer2.0.conv3.weight")]
    [InlineData("texture.start.conv.weight")]
    public void WhatIsNotANumberIsNeverGoodInOnnxRuntime(string tensor)
    {
        string huge = tiny.PathOf("huge.mlffad");
        EndedRunTests.Scale(tiny.Model, huge, tensor, 1e38f);
        using var session = new InferenceSession(OnnxWriter.Write(Model.Load(huge)));
        byte[] rgb = ImageFile.Read(Path.Combine(tiny.Data, "test", "good", "20.png")).Resize(64, 64).Rgb;
        using var results =
            session.Run([NamedOnnxValue.CreateFromTensor("image", new DenseTensor<byte>(rgb, [1, 64, 64, 3]))]);
        float score = Assert.Single(results.Single(result => result.Name == "score").AsEnumerable<float>());
        Assert.True(float.IsNaN(score) || float.IsPositiveInfinity(score), $"{score}");
    }

    /// <summary>Every choice that changes the graph: the rows of table 4, levels, bands, channel order.</summary>
    [Theory]
    [InlineData("baseline"), InlineData("+sc"), InlineData("+stl"), InlineData("+score"), InlineData("full")]
    [InlineData("tiny", "texture.levels", "paper"), InlineData("tiny", "texture.band", "spacing"),
        InlineData("tiny", "texture.band", "absolute"), InlineData("tiny", "texture.scales", "1,8")]
    [InlineData("tiny", "backbone.strideIn", "1x1"), InlineData("tiny", "sc.width", "32")]
    public void EveryVariantOfTheNetworkIsExported(string preset, string? key = null, string? value = null)
    {
        var config = Preset.Find(preset);
        foreach (var (k, v) in new[]
        {
             ("imageSize", "64"), ("backbone.stages", "1,1,1"), ("backbone.width", "8"), ("texture.width", "32"),
                 ("texture.statWidth", "16"),
            ("texture.mlpWidth", "8"), ("texture.levels1d", "16"), ("texture.levels2d", "4"),
                ("texture.scales", "1,2,4"), ("sc.width", "128"), ("sc.pool", "2"), ("fusion.width", "32"),
                    ("loss.patch", "2"),
        })
            config = config.With(k, v);
        if (key is not null) config = config.With(key, value!);
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), 3);
        var metadata = new ModelMetadata(config, Preprocessing.ImageNet with { Order = "BGR" }, 1, null,
            new TrainingRecord(0, 0, 3, "random", null), "any");
        var model = new Model(metadata, weights);
        using var session = new InferenceSession(OnnxWriter.Write(model));
        Compare(model, session, 64, 64, images: 3);
    }

    private static void Compare(Model model, InferenceSession session, int height, int width, int images,
        InferenceSession? resize = null)
    {
        const double tolerance = 1e-4;
        var random = new Random(height);
        byte[] bytes = new byte[images * height * width * 3];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)((i / 3 % width * 3 + i / 300 + random.Next(40)) % 256);
        var input = NamedOnnxValue.CreateFromTensor("image", new DenseTensor<byte>(bytes, [images, height, width, 3]));
        using var results = session.Run([input]);
        float[] Result(string name) => [.. results.Single(result => result.Name == name).AsEnumerable<float>()];
        float[] scores = Result("score"), maps = Result("score_map"), pixels = Result("pixel_map");
        int side = model.Metadata.Config.ImageSize, cells = model.Metadata.Config.Cells;
        RgbImage[] ours = [.. bytes.Chunk(height * width * 3).Select(rgb => new RgbImage(width, height, rgb))];
        if (resize is not null) ours = Resized(resize, input, ours, side);
        using var device = Device.Open("cpu", 1);
        using var scorer = new Scorer(model, device);
        foreach (var (n, map) in scorer.Score(ours).Index())
        {
            double size = Math.Max(1, map.Values.Max(Math.Abs));
            void Near(float[] expected, float[] got, string what)
            {
                double off = expected.Zip(got, (e, g) => Math.Abs(e - g)).Max();
                Assert.True(off <= tolerance * size,
                    $"{what} of image {n}, {height}×{width}: off by {off:G3} where the largest is {size:G3}");
            }
            Near(map.Values, maps[(n * cells)..((n + 1) * cells)], "cells");
            var enlarged = map.Enlarge(side, side);
            Near(enlarged.Values, pixels[(n * side * side)..((n + 1) * side * side)], "pixels");
            Near([enlarged.Max()], [scores[n]], "score");
        }
    }

    /// <summary>The images as ONNX Runtime resizes them: as we do, but for one grey level in a pixel
    /// of a thousand.</summary>
    private static RgbImage[] Resized(InferenceSession resize, NamedOnnxValue input, RgbImage[] images, int side)
    {
        using var results = resize.Run([input]);
        float[] planes = [.. results[0].AsEnumerable<float>()];
        int area = side * side;
        return [.. images.Select((image, n) =>
        {
            byte[] ours = image.Resize(side, side).Rgb;
            byte[] theirs = [.. Enumerable.Range(0, ours.Length)
                .Select(i => (byte)planes[(n * 3 + i % 3) * area + i / 3])];
            var steps = ours.Zip(theirs, (a, b) => Math.Abs(a - b)).ToList();
            Assert.InRange(steps.Max(), 0, 1);
            Assert.InRange(steps.Count(step => step > 0), 0, ours.Length / 1000);
            return new RgbImage(side, side, theirs);
        })];
    }
}
