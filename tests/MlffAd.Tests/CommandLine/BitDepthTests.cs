using MlffAd.Tests.Data;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>A camera of 12 bits in files of 16: said where it is not known, and known to the model where it
/// is.</summary>
[Collection(nameof(TinyModel))]
public sealed class BitDepthTests(TinyModel tiny)
{
    [Fact]
    public void DarkFilesAreSaidAndTheModelKnowsTheDepth()
    {
        string folder = Directory.CreateDirectory(tiny.PathOf("depth")).FullName, model = tiny.PathOf("depth.mlffad");
        for (int i = 0; i < 9; i++)
        {
            var rng = new Random(i);
            ushort[] grey = [.. Enumerable.Range(0, 72 * 64).Select(_ => (ushort)rng.Next(1000, 4096))];
            File.WriteAllBytes(Path.Combine(folder, $"{i}.png"), Grey16(72, 64, grey));
        }
        const string said = "uses 12 of its file's 16 bits at most";
        Assert.Contains(said, CommandRun.Of("inspect", folder).Output, Ordinal);
        Assert.DoesNotContain(said, CommandRun.Of("inspect", folder, "--bit-depth", "12").Output, Ordinal);
        Assert.Contains(said,
            CommandRun.Of(["train", folder, "-o", tiny.PathOf("dark.mlffad"), .. TinyModel.Remembering])
            .Output, Ordinal);
        Assert.Contains(said, CommandRun.Of(["train", folder, "-o", tiny.PathOf("dark2.mlffad"), .. TinyModel.Tiny])
            .Output, Ordinal);

        var made = CommandRun.Of(["train", folder, "-o", model, .. TinyModel.Remembering, "--bit-depth", "12"]);
        Assert.Equal(0, made.Code);
        Assert.DoesNotContain(said, made.Output, Ordinal);
        Assert.Equal(12, Model.Load(model).Metadata.Config.BitDepth);
        Assert.Contains("bitDepth", CommandRun.Of("show", model).Output, Ordinal);
        // Each was remembered as it is read now: none is a defect.
        Assert.Equal(0, CommandRun.Of("detect", model, folder).Code);
        Assert.Equal(2, CommandRun.Of("inspect", folder, "--bit-depth", "17").Code);
    }

    [Fact]
    public void AModelOfTheDefaultSaysNothingThatEarlierVersionsDoNotKnow()
    {
        Assert.DoesNotContain("bitDepth", new Config().ToJson(), Ordinal);
        Assert.Contains("\"bitDepth\":12", new Config { BitDepth = 12 }.ToJson(), Ordinal);
        Assert.Equal(12, Config.FromJson(new Config { BitDepth = 12 }.ToJson()).BitDepth);
        Assert.NotEqual(new Config(), new Config { BitDepth = 12 });
    }

    [Theory]
    [InlineData((byte)0, "is black all over")]
    [InlineData((byte)200, "has one colour all over")]
    public void EmptyPicturesAreSaid(byte grey, string said)
    {
        string data = tiny.CopyData($"plain-{grey}");
        ImageFile.WritePng(Path.Combine(data, "train", "good", "x.png"),
            new(72, 64, [.. Enumerable.Repeat(grey, 3 * 72 * 64)]));
        Assert.Contains($"'train/good/x.png' {said}.", CommandRun.Of("inspect", data).Output, Ordinal);
        Assert.Contains($"'train/good/x.png' {said}.",
            CommandRun.Of(["train", data, "-o", tiny.PathOf($"p{grey}.mlffad"),
            .. TinyModel.Remembering]).Output, Ordinal);
    }

    [Fact]
    public void ClassNumbersInA16BitMaskMark()
    {
        string data = tiny.CopyData("deep-masks");
        foreach (string mask in Directory.GetFiles(Path.Combine(data, "ground_truth", "square")))
        {
            var drawn = ImageFile.ReadMask(mask);
            File.WriteAllBytes(mask,
                Grey16(drawn.Width, drawn.Height, [.. drawn.Values.Select(v => (ushort)(v > 127 ? 2 : 0))]));
        }
        var run = CommandRun.Of("evaluate", tiny.Model, data);
        Assert.DoesNotContain("marks nothing", run.Error, Ordinal);
        Assert.Equal(CommandRun.Of("evaluate", tiny.Model, tiny.Data).Output, run.Output);
    }

    private static byte[] Grey16(int width, int height, ushort[] values) =>
        PngBytes.Make(width, height, depth: 16, colour: 0,
        [.. values.SelectMany(v => new[] { (byte)(v >> 8), (byte)v })]);
}
