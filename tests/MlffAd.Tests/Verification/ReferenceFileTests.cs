using MlffAd.Verification;

namespace MlffAd.Tests.Verification;

public sealed class ReferenceFileTests
{
    [Theory]
    [InlineData("basic")]
    [InlineData("batchnorm")]
    [InlineData("conv")]
    [InlineData("texture")]
    [InlineData("losses")]
    public void EveryTensorACaseNamesIsInItsFileAndNoOther(string name)
    {
        var file = Golden.File(name);
        Assert.NotEmpty(file.Cases);
        var named = file.Cases.SelectMany(c => c.OutputNames.Concat(c.GradNames)
            .Concat(c.Inputs.Select(input => $"{c.Name}/{input}"))
                .Concat(c.Upstream.Select(output => $"{c.Name}/d_{output}")));
        Assert.Equal(file.Tensors.Keys.Order(), named.Distinct().Order());
    }

    [Fact]
    public void ANetworkFileGivesItsConfigurationAndTensors()
    {
        var file = Golden.File("net_mini");
        Assert.Equal("network", file.Kind);
        Assert.Equal(64, file.Json("config").GetProperty("imageSize").GetInt32());
        Assert.Equal([5, 2, 64, 64, 3], file.Shape("x"));
        Assert.All(file.Ints("y"), label => Assert.InRange(label, 0, 1));
    }

    [Fact]
    public void TheErrorIsRelativeToTheTensorOrAThousandthOfItsGroup()
    {
        Assert.Equal(0.1, Golden.Error([1.8f, 1f], [2f, 1f], groupMax: 2), 1e-6);
        Assert.Equal(0.5, Golden.Error([1e-3f], [0f], groupMax: 2), 1e-6);
        Assert.Equal(0, Golden.Error([0f], [0f], groupMax: 0));
        Assert.Equal(double.PositiveInfinity, Golden.Error([1f], [0f], groupMax: 0));
        Assert.Equal(double.PositiveInfinity, Golden.Error([float.NaN], [0f], groupMax: 1));
    }

    [Fact]
    public void AFileThatIsNoReferenceIsRefusedByName()
    {
        string path = Path.GetTempFileName();
        MlffAd.Weights.Safetensors.Write(path, [], new Dictionary<string, string>
        {
            ["kind"] = "operators",
            ["cases"] = "[{}]",
        });
        var e = Assert.Throws<MlffAdException>(() => ReferenceFile.Open(path));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        File.Delete(path);
    }
}
