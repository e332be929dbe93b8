using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MlffAd.Tests.Training;

/// <summary>What came after commit 3d1e941, which wrote these hashes, changes no byte of a trained network, but for
/// what models have come to say of themselves since.</summary>
public sealed class EarlierBytesTests
{
    internal static readonly (string Key, string Value)[] Small =
    [
        ("imageSize", "64"), ("backbone.stages", "1,1,1"), ("backbone.width", "8"), ("texture.width", "32"),
        ("texture.statWidth", "16"), ("texture.mlpWidth", "8"), ("texture.levels1d", "16"), ("texture.levels2d", "4"),
        ("texture.scales", "1,2,4"), ("sc.width", "128"), ("sc.pool", "2"), ("fusion.width", "32"), ("loss.patch", "2"),
        ("train.batch", "4"),
    ];

    /// <summary>A preset's network, so small that a step takes a moment.</summary>
    internal static Config SmallConfig(string preset) =>
        Small.Aggregate(Preset.Find(preset), (c, key) => c.With(key.Key, key.Value)).Validate();

    /// <summary>Three steps of each row of table 4, the last being the preset paper: the first half of the model's
    /// SHA-256. Sums are in another order where vectors have another width.</summary>
    [Theory]
    [InlineData("baseline", "73406893ce5092a500915d1d42a4e815", "73406893ce5092a500915d1d42a4e815")]
    [InlineData("+sc", "19ce558a8edaf6710baeea8f6a56f05f", "e5be98570962a51aa818b3bd836b7d30")]
    [InlineData("+stl", "691cd6ba135dee29ea69ca64e36f65ac", "dca572719a5e84867555b5508426baa2")]
    [InlineData("+score", "1a68157ff329060e0e521ae7ef608f8d", "c0d880cd9a8ef1c47984d432d74f4ac1")]
    [InlineData("full", "069f65ac8b14bd77d7598fe60cd8f418", "492d221a286937431471731b95c33d9d")]
    public void ANetworkTrainsToTheBytesThatItDidBefore(string preset, string with512, string with256)
    {
        bool isKnown = OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;
        Assert.SkipUnless(isKnown && AlgorithmTable.Bits > 128,
            "The hashes are of Linux on x64, with vectors of 512 and 256 bits.");
        string folder = Directory.CreateTempSubdirectory().FullName, parts = Path.Combine(folder, "parts");
        Directory.CreateDirectory(parts);
        for (int i = 0; i < 10; i++)
        {
            float[] noise = Gradients.Random(3 * 64 * 64, seed: i, scale: 20);
            byte[] rgb = [.. noise.Select((v, p) => (byte)((p / 3 % 64 is > 16 and < 48 ? 180 : 60) + v))];
            ImageFile.WritePng(Path.Combine(parts, $"{i:00}.png"), new RgbImage(64, 64, rgb));
        }
        var config = SmallConfig(preset);
        string model = Path.Combine(folder, "m.mlffad");
        var request =
            new TrainingRequest(parts, model, config) { Weights = "none", MaxImages = 12, Split = SplitBy.Name };
        using (var device = Device.Open("cpu", threads: 2))
            Trainer.Train(request, device, _ => { }, null, TestContext.Current.CancellationToken);
        // What models have come to say of themselves since.
        ModelFile.Update(model, m => m with
        {
            Quality = null,
            Training = m.Training with { Photographs = null, LossTrend = null },
        });
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(model)))[..32];
        Directory.Delete(folder, recursive: true);
        Assert.Equal(AlgorithmTable.Bits == 512 ? with512 : with256, hash);
    }
}
