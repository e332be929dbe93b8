namespace MlffAd.Tests.Weights;

public sealed class ModelFileTests : IDisposable
{
    private static readonly TensorData[] Tensors =
    [
        TensorData.Floats("score.weight", [2], new[] { 0.1f, -3f }),
        TensorData.Floats("score.bias", [1], new[] { 7f }),
    ];

    private static readonly ModelMetadata Metadata = new(new Config().With("train.lr", "0.25"),
        new Preprocessing("BGR", 1, [103.939f, 1, 2], [1, 1, 0.3f]), 1.0000001f,
        new Calibration([0.1f, 0.25f, 1f], 0.99, 0.999, 1.0000001f, 0.7f),
        new TrainingRecord(3, 2400, -5, "shipped", new FinalLosses(1.5, 0.5, 0.75, 0.25))
        {
            Photographs = 250,
            LossTrend = 0.95,
        }, "bottle \"é\"")
    { Quality = new(0.1 + 0.2, 0.75, 4, 16) };

    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData(float.NaN, 1)]
    [InlineData(float.PositiveInfinity, 1)]
    [InlineData(1, float.NegativeInfinity)]
    public void WhatCouldNotBeOpenedIsNotWritten(float threshold, float pixelThreshold)
    {
        ModelFile.Save(path, Metadata, Tensors);
        byte[] before = File.ReadAllBytes(path);
        var calibration = Metadata.Calibration! with { PixelThreshold = pixelThreshold };
        var bad = Metadata with { Threshold = threshold, Calibration = calibration };
        var e = Assert.Throws<MlffAdException>(() => ModelFile.Save(path, bad, Tensors));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void AModelComesBackAsItWasSaved()
    {
        ModelFile.Save(path, Metadata, Tensors);
        using var model = ModelFile.Open(path);
        var m = model.Metadata;
        Assert.Equal(Metadata.Config, m.Config);
        Assert.Equal((Metadata.Threshold, Metadata.Class, Metadata.Training), (m.Threshold, m.Class, m.Training));
        Assert.Equal(Metadata.Quality, m.Quality);
        Assert.Equal(("BGR", 1f), (m.Preprocessing.Order, m.Preprocessing.Scale));
        Assert.Equal(Metadata.Preprocessing.Mean, m.Preprocessing.Mean);
        Assert.Equal(Metadata.Preprocessing.Std, m.Preprocessing.Std);
        Assert.Equal(Metadata.Calibration!.Scores, m.Calibration!.Scores);
        Assert.Equal((3, 0.99, 0.999, 1.0000001f, 0.7f), (m.Calibration.Images, m.Calibration.ImageQuantile,
            m.Calibration.PixelQuantile, m.Calibration.Threshold, m.Calibration.PixelThreshold));
        Assert.Equal([0.1f, -3f], model.Tensors.ReadFloats("score.weight"));
    }

    [Fact]
    public void AModelOfAnEarlierVersionHasNoQuality()
    {
        var training = Metadata.Training with { Photographs = null, LossTrend = null };
        ModelFile.Save(path, Metadata with { Quality = null, Training = training }, Tensors);
        using var model = ModelFile.Open(path);
        Assert.DoesNotContain("quality", model.Tensors.Metadata.Keys);
        Assert.EndsWith("\"lfs\":0.25}}", model.Tensors.Metadata["training"], StringComparison.Ordinal);
        Assert.Null(model.Metadata.Quality);
        Assert.Equal(training, model.Metadata.Training);
    }

    [Fact]
    public void AnUpdateChangesTheThresholdAndNoTensor()
    {
        ModelFile.Save(path, Metadata, Tensors);
        ModelFile.Update(path, m => m with { Threshold = 9, Calibration = null });
        byte[] updated = File.ReadAllBytes(path);
        ModelFile.Save(path, Metadata with { Threshold = 9, Calibration = null }, Tensors);
        Assert.Equal(File.ReadAllBytes(path), updated);
        using var model = ModelFile.Open(path);
        Assert.Equal((9f, null), (model.Metadata.Threshold, model.Metadata.Calibration));
    }

    [Theory]
    [InlineData("format", null, "its format is 'not said'")]
    [InlineData("format", "mlffad/5", "is 'mlffad/5', not 'mlffad/1' or 'mlffad/2' or 'mlffad/3' or 'mlffad/4'")]
    [InlineData("format", "mlffad/4", "its format is 'mlffad/4', which does not fit memory.size 0")]
    [InlineData("format", "mlffad/3", "its format is 'mlffad/3', which does not fit memory.size 0")]
    [InlineData("config", null, "its config is missing"), InlineData("config", "{}}", "its config")]
    [InlineData("config", "{\"imageSize\":65}", "its config")]
    [InlineData("config", "{\"imageSizes\":64}", "imageSize")]
    [InlineData("threshold", null, "its threshold is missing")]
    [InlineData("threshold", "NaN", "its threshold is 'NaN'")]
    [InlineData("threshold", "1,5", "its threshold is '1,5'")]
    [InlineData("preprocessing", "null", "its preprocessing is null")]
    [InlineData("preprocessing", "{}", "its preprocessing")]
    [InlineData("preprocessing", "{\"order\":\"RGB\",\"scale\":0,\"mean\":[0,0,0],\"std\":[1,1,1]}", "value scale")]
    [InlineData("preprocessing", "{\"order\":null,\"scale\":1,\"mean\":[0,0,0],\"std\":[1,1,1]}", "its preprocessing")]
    [InlineData("preprocessing", "{\"order\":\"RGB\",\"scale\":1,\"mean\":[0,0],\"std\":[1,1,1]}", "mean")]
    [InlineData("calibration",
        "{\"images\":2,\"scores\":[1],\"imageQuantile\":0.9,\"pixelQuantile\":0.9,\"pixelThreshold\":1}",
        "1 scores of 2 images")]
    [InlineData("calibration", "[]", "its calibration"), InlineData("training", "{\"epochs\":1}", "its training")]
    [InlineData("training", "{\"epochs\":1,\"epochs\":1}", "its training")]
    [InlineData("class", null, "its class is missing"), InlineData("quality", "", "its quality")]
    [InlineData("quality", "null", "its quality is null"), InlineData("quality", "0.9", "its quality")]
    [InlineData("quality", "{\"image\":0.9,\"pixel\":0.9}", "its quality")]
    [InlineData("threshold", "1e300", "its threshold is '1e300'")]
    [InlineData("threshold", "-3.5e38", "its threshold is '-3.5e38'")]
    [InlineData("config", "{\"imageSize\":4096,\"backbone\":{\"width\":1024}}", "The network would be too large")]
    [InlineData("config", "{\"backbone\":{\"stages\":[64,64,64],\"width\":1024}}", "The network would be too large")]
    [InlineData("config", "{\"imageSize\":4096,\"texture\":{\"width\":4096}}", "The network would be too large")]
    [InlineData("config", "{\"train\":{\"\\ud800\":1}}", "its config")]
    [InlineData("config", "{\"train\":{\"schedule\":\"\\ud800\"}}", "its config")]
    [InlineData("config", "{\"train\":{\"repeat\":2000000000}}", "'train.repeat' cannot be '2000000000'")]
    public void DamagedMetadataIsRefusedNamingFileAndKey(string key, string? value, string reason)
    {
        ModelFile.Save(path, Metadata, Tensors);
        Dictionary<string, string> strings;
        using (var file = SafetensorsFile.Open(path)) strings = file.Metadata.ToDictionary();
        strings.Remove(key);
        if (value is not null) strings[key] = value;
        Safetensors.Write(path, Tensors, strings);
        var e = Assert.Throws<MlffAdException>(() => ModelFile.Open(path));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        File.Delete(path); // closed in spite of the refusal
    }

    [Theory]
    [InlineData("calibration", "'images':3,'scores':[0.1,0.25,1]", "'images':0,'scores':[]", "is of no image")]
    [InlineData("calibration", "'images':3", "'images':-1", "3 scores of -1 images")]
    [InlineData("calibration", "[0.1,0.25,1]", "[0.1,1,0.25]", "ascending")]
    [InlineData("calibration", "[0.1,0.25,1]", "[0.1,0.25,1e39]", "not finite")]
    [InlineData("calibration", "[0.1,0.25,1]", "[0.1,0.25,null]", "its calibration")]
    [InlineData("calibration", "0.99,", "1.5,", "the quantiles 1.5 and 0.999")]
    [InlineData("calibration", "0.999,", "-0.1,", "the quantiles 0.99 and -0.1")]
    [InlineData("calibration", "0.999,", "1e999,", "quantiles")]
    [InlineData("calibration", "'pixelThreshold':0.7", "'pixelThreshold':1e39", "pixelThreshold")]
    [InlineData("calibration", "'pixelThreshold':0.7", "'pixelThreshold':-1e300", "pixelThreshold")]
    [InlineData("training", "'epochs':3", "'epochs':-1", "counts -1 epochs")]
    [InlineData("training", "'images':2400", "'images':-9", "-9 images")]
    [InlineData("training", "'images':2400", "'images':1e30", "its training")]
    [InlineData("training", "shipped", @"\ud800", "its training")]
    [InlineData("training", "'total':1.5", "'total':1e999", "losses that are not finite")]
    [InlineData("training", "'photographs':250", "'photographs':0", "is of 0 photographs")]
    [InlineData("training", "'photographs':250", "'photographs':-7", "is of -7 photographs")]
    [InlineData("training", "'photographs':250", "'photographs':2.5", "its training")]
    [InlineData("training", "'lossTrend':0.95", "'lossTrend':1e999", "a lossTrend that is not finite")]
    [InlineData("training", "'lossTrend':0.95", "'lossTrend':'NaN'", "its training")]
    [InlineData("quality", "'pixel':0.75", "'pixel':-0.1", "-0.1 by pixel, not from 0 to 1")]
    [InlineData("quality", "'pixel':0.75", "'pixel':1e999", "not from 0 to 1")]
    [InlineData("quality", "'pixel':0.75", "'pixel':'NaN'", "its quality")]
    [InlineData("quality", "'image':0.30000000000000004", "'image':1.5", "1.5 by image")]
    [InlineData("quality", "'images':4", "'images':0", "of 0 images and 16 anomalies")]
    [InlineData("quality", "'images':4", "'images':1.5", "its quality")]
    [InlineData("quality", "'anomalies':16", "'anomalies':-1", "of 4 images and -1 anomalies")]
    [InlineData("preprocessing", "'scale':1", "'scale':1e-44", "beyond a float's range")]
    [InlineData("preprocessing", "[1,1,0.3]", "[1,1,1e-44]", "beyond a float's range")]
    [InlineData("preprocessing", "BGR", @"\udc00", "its preprocessing")]
    public void APartThatCannotBeUsedIsRefusedNamingFileAndKey(string key, string was, string now, string reason)
    {
        ModelFile.Save(path, Metadata, Tensors);
        Dictionary<string, string> strings;
        using (var file = SafetensorsFile.Open(path)) strings = file.Metadata.ToDictionary();
        Assert.Contains(was.Replace('\'', '"'), strings[key], StringComparison.Ordinal);
        strings[key] = strings[key].Replace(was.Replace('\'', '"'), now.Replace('\'', '"'), StringComparison.Ordinal);
        Safetensors.Write(path, Tensors, strings);
        var e = Assert.Throws<MlffAdException>(() => ModelFile.Open(path));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains($"'{path}' is damaged: its {key} ", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileTooSmallForItsConfigurationGetsNoMemory()
    {
        ModelFile.Save(path, Metadata with { Config = Preset.Find("memory").With("memory.size", "100000") }, Tensors);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<MlffAdException>(() => Model.Load(path));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains("it has no tensor", e.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50 << 20);
    }

    [Fact]
    public void ATensorOfAnotherShapeOrWithoutANumberOrTooManyIsRefused()
    {
        Safetensors.Write(path, [.. Tensors, TensorData.Floats("sick", [2], new[] { 0, float.PositiveInfinity })]);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal([0.1f, -3f], file.ReadFloats("score.weight", [2]));
        Assert.Contains("[2] where [1,2]",
            Assert.Throws<MlffAdException>(() => file.ReadFloats("score.weight", [1, 2])).Message,
            StringComparison.Ordinal);
        Assert.Contains("not finite", Assert.Throws<MlffAdException>(() => file.ReadFloats("sick", [2])).Message,
            StringComparison.Ordinal);
        Assert.Contains("'score.none'",
            Assert.Throws<MlffAdException>(() => file.ReadFloats("score.none", [2])).Message, StringComparison.Ordinal);
        Assert.Contains("'sick'",
            Assert.Throws<MlffAdException>(() => file.RequireExactly(["score.weight", "score.bias"])).Message,
            StringComparison.Ordinal);
        Assert.Contains("'other'",
            Assert.Throws<MlffAdException>(() =>
                file.RequireExactly(["score.weight", "score.bias", "sick", "other"])).Message,
                    StringComparison.Ordinal);
        file.RequireExactly(["sick", "score.weight", "score.bias"]);
    }
}
