using System.Text;
using MlffAd.Verification;

namespace MlffAd.Tests.Reference;

public sealed class VerifierTests
{
    public static TheoryData<string> Devices => TestDevices.All;

    [Theory, MemberData(nameof(Devices))]
    public void MetricsAndResizesEqualTheReference(string device)
    {
        using var lease = TestDevices.Borrow(device);
        var errors = Verifier.Verify(Golden.PathOf("reference_cases.json"), lease.Device);
        Assert.Equal(4 * 4 + 3 * 5 + 3, errors.Count);
        Assert.All(errors, e => Assert.True(e.IsWithin, e.ToString()));
    }

    [Theory]
    [InlineData("missing.json", null)]
    [InlineData("missing.safetensors", null)]
    [InlineData("broken.json", "{")]
    [InlineData("other.json", """{"format":"other"}""")]
    [InlineData("lacking.json", """{"format":"mlffad-cases/1"}""")]
    [InlineData("broken.safetensors", "not a safetensors file")]
    public void AnUnreadableFileIsABadModelNamedInTheMessage(string name, string? content)
    {
        using var lease = TestDevices.Borrow("cpu");
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + name);
        if (content is not null) File.WriteAllText(path, content);
        var e = Assert.Throws<MlffAdException>(() => Verifier.Verify(path, lease.Device));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        File.Delete(path);
    }

    [Theory]
    [InlineData("""op\":\"leaky_relu""", """op\":\"lazy__relu""", "'leaky_relu'", "there is no operator 'lazy__relu'")]
    [InlineData("""stride\":2""", """stroke\":2""", "'maxpool3s2_8x8'", "attribute 'stride' is missing")]
    public void ACaseThatCannotBeComputedIsNamedWithItsFile(string was, string becomes, string name, string why)
    {
        using var lease = TestDevices.Borrow("cpu");
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        // Latin-1 maps bytes to characters and back, so the tensors behind the header stay as they are.
        string file = File.ReadAllText(Golden.PathOf("basic.safetensors"), Encoding.Latin1);
        int at = file.IndexOf(was, StringComparison.Ordinal);
        File.WriteAllText(path, file[..at] + becomes + file[(at + was.Length)..], Encoding.Latin1);
        var e = Assert.Throws<MlffAdException>(() => Verifier.Verify(path, lease.Device));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.All(new[] { path, name, why }, part => Assert.Contains(part, e.Message, StringComparison.Ordinal));
        File.Delete(path);
    }
}
