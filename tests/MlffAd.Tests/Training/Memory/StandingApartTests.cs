using static System.StringComparison;

namespace MlffAd.Tests.Training;

public sealed class StandingApartTests : IDisposable
{
    private readonly MemoryFolder _folder = new(images: 12);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AGoodImageThatIsLikeNoOtherIsNamedAndDrawn()
    {
        var (_, said) = MemoryFolder.Make(_folder.Request());
        Assert.DoesNotContain(said, line => line.Contains("stands apart", Ordinal));
        Assert.False(Directory.Exists(_folder.In("m.mlffad.apart")));

        _folder.Draw("05.png", 5, odd: true);
        (_, said) = MemoryFolder.Make(_folder.Request());
        string line = Assert.Single(said, line => line.Contains("stands apart", Ordinal));
        Assert.StartsWith("'05.png' stands apart from all other good images at ", line, Ordinal);
        string picture = Assert.Single(Directory.GetFiles(_folder.In("m.mlffad.apart")));
        Assert.EndsWith($"see '{picture}'.", line, Ordinal);
        Assert.Contains(said, line => line.StartsWith("If they show defects, these are remembered as normal", Ordinal));
        // The box, x,y,w,h, is about the patch: 8 to 32, 24 to 48.
        int[] box = [.. line.Split(" at ")[1].Split(' ')[0].Split(',').Select(int.Parse)];
        Assert.InRange(box[0] + box[2] / 2, 8, 32);
        Assert.InRange(box[1] + box[3] / 2, 24, 48);
    }

    /// <summary>To move one of two copies away would leave the defect in.</summary>
    [Fact]
    public void CopiesOfWhatStandsApartAreAllNamed()
    {
        _folder.Draw("05.png", 5, odd: true);
        _folder.Draw("copy.png", 5, odd: true);
        var (_, said) = MemoryFolder.Make(_folder.Request());
        string[] named = [.. said.Where(line => line.Contains("stands apart", Ordinal))
            .Select(line => line.Split('\'')[1])];
        Assert.Equal(["05.png", "copy.png"], named);
    }

    [Fact]
    public void OfAHandfulNobodyIsNamed()
    {
        for (int i = 7; i < 12; i++) File.Delete(Path.Combine(_folder.Parts, $"{i:00}.png"));
        _folder.Draw("05.png", 5, odd: true);
        var (_, said) = MemoryFolder.Make(_folder.Request());
        Assert.DoesNotContain(said, line => line.Contains("stands apart", Ordinal));
    }
}
