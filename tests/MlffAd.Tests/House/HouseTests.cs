using System.Text;

namespace MlffAd.Tests.House;

/// <summary>The order of the house: which folder may know which. <c>MLFFAD_REDRAW=1</c> draws
/// docs/house.md anew.</summary>
public sealed class HouseTests(ITestOutputHelper output)
{
    private static readonly Lazy<Arrows> Read = new(() => new(Repository.Root, Repository.Projects));

    [Fact]
    public void NoFoldersKnowEachOtherInACircle()
    {
        var arrows = Read.Value;
        Assert.True(arrows.Rooms.Count > 40
            && arrows.All.Count > 200, $"{arrows.Rooms.Count} rooms, {arrows.All.Count} arrows");
        var circles = new Floors(arrows.Rooms.Keys, arrows.All.Keys).Circles;
        Assert.True(circles.Length == 0, string.Join('\n',
            circles.Select(rooms => "In a circle: " + string.Join(", ", rooms) + "\n"
                + string.Join('\n', arrows.All.Where(arrow => rooms.Contains(arrow.Key.From)
                    && rooms.Contains(arrow.Key.To))
                    .Select(arrow => $"  {arrow.Key.From} → {arrow.Key.To}: {arrow.Value}")))));
    }

    [Fact]
    public void AFolderHasAtMost16Files() =>
        Assert.All(Read.Value.Rooms, room => Assert.True(room.Value <= 16, $"{room.Key} has {room.Value} C# files."));

    [Fact]
    public void TheDocumentedHouseIsTheOneBuilt()
    {
        const string begin = "<!-- rooms: drawn by HouseTests -->\n", end = "<!-- /rooms -->";
        string page = Path.Combine(Repository.Root, "docs/house.md"), text = File.ReadAllText(page);
        string drawn = Draw();
        output.WriteLine(drawn);
        int from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        int to = text.IndexOf(end, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("MLFFAD_REDRAW") == "1")
            File.WriteAllText(page, text[..from] + drawn + text[to..]);
        else Assert.True(text[from..to] == drawn,
            "docs/house.md shows another house; MLFFAD_REDRAW=1 draws it anew:\n" + drawn);
    }

    /// <summary>The floors of each project, and what each room stands on.</summary>
    private static string Draw()
    {
        var arrows = Read.Value;
        var floors = new Floors(arrows.Rooms.Keys, arrows.All.Keys);
        var text = new StringBuilder();
        foreach (string project in Repository.Projects)
        {
            bool Inside(string room) => room == project || room.StartsWith(project + "/", StringComparison.Ordinal);
            string Short(string room) => room == project ? "." : Inside(room) ? room[(project.Length + 1)..] : room;
            text.Append($"\n### {project}\n\n| floor | room | C# files | stands on |\n|---:|---|---:|---|\n");
            foreach (var (floor, rooms) in floors.Of(Inside))
                foreach (string room in rooms)
                {
                    string below = string.Join(", ", floors.StandsOn(room).Select(Short));
                    text.Append($"| {floor} | {Short(room)} | {arrows.Rooms[room]} | {below} |\n");
                }
        }
        return text.Append('\n').ToString();
    }
}
