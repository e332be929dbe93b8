using MlffAd.Verification;

namespace MlffAd.Tests.Reference;

/// <summary>Every operator equals libtorch's autograd, those of a memory NumPy's float64, on every device.</summary>
public sealed class OperatorReferenceTests
{
    /// <summary>The simulator takes seconds for larger cases; there the smallest of each operator is enough.</summary>
    public static IEnumerable<TheoryDataRow<string, string, string>> Cases =>
        from file in new[] { "basic", "batchnorm", "conv", "texture", "losses", "memory" }
        from device in (IEnumerable<string>)[.. TestDevices.All.Select(row => row.Data)]
        from c in device == "debug"
        ? Golden.Cases(file).GroupBy(c => c.Op).Select(op => op.MinBy(c => Size(file, c))!)
        : Golden.Cases(file)
        select new TheoryDataRow<string, string, string>(device, file, c.Name);

    [Theory, MemberData(nameof(Cases))]
    public void OperatorsAndTheirGradientsEqualTheReference(string device, string file, string name)
    {
        using var lease = TestDevices.Borrow(device);
        var reference = Golden.File(file);
        var errors = OperatorCase.Verify(reference, reference.Cases.Single(c => c.Name == name), lease.Device,
            OperatorRunners.All).ToList();
        Assert.NotEmpty(errors);
        Assert.All(errors, e => Assert.True(e.IsWithin, $"{e.Name}: error {e.Error:g3}, tolerance {e.Tolerance:g3}"));
    }

    private static long Size(string file, ReferenceCase c) =>
        c.Inputs.Sum(i => Golden.File(file).Tensors[$"{c.Name}/{i}"].Length);
}
