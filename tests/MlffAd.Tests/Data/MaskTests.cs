using MlffAd.Tests.CommandLine;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>Masks as people draw them: what they mark, and whether they lie on their photographs.</summary>
[Collection(nameof(TinyModel))]
public sealed class MaskTests(TinyModel tiny)
{
    [Theory]
    [InlineData((byte)1)]
    [InlineData((byte)3)]
    [InlineData((byte)127)]
    public void AMaskWithoutHighValuesMarksWhateverIsNotZeroAndThatIsSaid(byte value)
    {
        string data = tiny.CopyData($"faint-{value}"), whole = tiny.PathOf($"faint-{value}.json");
        foreach (string mask in Masks(data)) Redraw(mask, grey => grey > 127 ? value : (byte)0);
        var run = CommandRun.Of("evaluate", tiny.Model, data, "--json", whole);
        Assert.Equal(0, run.Code);
        string said = "Masks without a value above 127: 3; in them whatever is not 0 marks a defect: '";
        Assert.Contains(said, run.Error, Ordinal);
        Assert.Contains(said, CommandRun.Of("inspect", data).Output, Ordinal);
        // The same pixels as with 0 and 255.
        Assert.Equal(CommandRun.Of("evaluate", tiny.Model, tiny.Data).Output, run.Output);
    }

    [Fact]
    public void AMaskOfHighAndLowValuesMarksTheHighOnes()
    {
        Assert.Equal(127, new GreyImage(3, 1, [0, 100, 200]).Limit);
        Assert.Equal([0, 0, 1], new GreyImage(3, 1, [0, 100, 200]).ToMask(3, 1));
        Assert.Equal([0, 1, 1], new GreyImage(3, 1, [0, 100, 127]).ToMask(3, 1));
        Assert.True(new GreyImage(3, 1, [0, 0, 0]).IsEmpty);
    }

    [Fact]
    public void AMaskAcrossItsPhotographIsRefusedByName()
    {
        string data = tiny.CopyData("across"), mask = Masks(data)[0];
        var drawn = ImageFile.Read(mask);
        ImageFile.WritePng(mask, new(drawn.Height, drawn.Width, drawn.Rgb));
        string said = $"The mask '{mask}' is {drawn.Height}×{drawn.Width}, its photograph {drawn.Width}×{drawn.Height}";
        Assert.Contains(said, CommandRun.Of("inspect", data).Output, Ordinal);
        var run = CommandRun.Of("evaluate", tiny.Model, data);
        Assert.Equal(3, run.Code);
        Assert.Contains(said, run.Error, Ordinal);
        run = CommandRun.Of("evaluate", tiny.Model, data, "--max-bad", "50%");
        Assert.Equal(0, run.Code);
        Assert.Contains("1 of 6 test images could not be used, and are in no figure.", run.Error, Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void AMaskOfAPhotographThatIsTurnedInPlaceIsDoubted(byte orientation)
    {
        string data = tiny.CopyData($"turned-{orientation}"), photo = Path.Combine(data, "test", "square", "30.png");
        var image = ImageFile.Read(photo);
        byte[] exif =
            [(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0,
            0];
        File.WriteAllBytes(photo, PngBytes.Make(image.Width, image.Height, 8, 2, image.Rgb, extra: [("eXIf", exif)]));
        string said = $"'{photo}' is turned by its orientation tag, and its mask '{Masks(data)[0]}' has none";
        Assert.Contains(said, CommandRun.Of("inspect", data).Output, Ordinal);
        Assert.Contains(said, CommandRun.Of("evaluate", tiny.Model, data).Error, Ordinal);
    }

    [Fact]
    public void EvaluateSaysWhatInspectKnowsOfMasks()
    {
        string data = tiny.CopyData("odd-masks");
        string[] masks = Masks(data);
        Redraw(masks[0], _ => 0);
        ImageFile.WritePng(masks[1], new(36, 32, ImageFile.Read(masks[1]).Resize(36, 32).Rgb));
        var (inspected, evaluated) =
            (CommandRun.Of("inspect", data).Output, CommandRun.Of("evaluate", tiny.Model, data).Error);
        foreach (string said in new[] { $"The mask '{masks[0]}' marks nothing.",
            $"The mask '{masks[1]}' is 36×32, its image 72×64." })
        {
            Assert.Contains(said, inspected, Ordinal);
            Assert.Contains(said, evaluated, Ordinal);
        }
    }

    private static string[] Masks(string data) =>
        [.. Directory.GetFiles(Path.Combine(data, "ground_truth", "square")).Order(StringComparer.Ordinal)];

    private static void Redraw(string mask, Func<byte, byte> value)
    {
        var drawn = ImageFile.Read(mask);
        ImageFile.WritePng(mask, drawn with { Rgb = Array.ConvertAll(drawn.Rgb, v => value(v)) });
    }
}
