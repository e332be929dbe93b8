using System.Text.RegularExpressions;
using MlffAd.Cli;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>Tables as terminals of 80, 100 and 120 columns show them, and as files hold them.</summary>
[Collection(nameof(TinyModel))]
public sealed partial class TablesTests(TinyModel tiny)
{
    private const string LeftOut = "Left out: A wider terminal shows them, and so does a file.";

    private static readonly string[][] Plan =
    [
        ["1", "backbone.conv1", "convolution", "[1,128,128,64]", "0.00", "308.3", "5.02", "1.294", "238", "3.9"],
        ["2", "texture.ptfem.out.part·texture.ptfem.s1.f4.", "quantization.cosine.product.winograd4",
            "[1,4096,1]", "12.00", "16384.0", "205.00", "1000.001", "1234", "999.9"],
        ["", "all", "", "", "", "16692.3", "210.02", "1001.295", "1000", "1.0"],
    ];

    private static readonly string[][] Profile =
    [
        ["convolution.gradient.weight", "42", "17.400", "26.7%", "1234.16", "8.5", "50", "2.7", "23%"],
        ["all", "287", "19.262", "100.0%", "1234.47", "12345.1", "24", "3.5", "16%"],
    ];

    private static readonly string[][] Ptx =
    [
        ["product: TiledProduct<ReachingOutputs, TapWeights, Identity, Stored>.Body", "37", "",
            "256", "8704", "16", "8", "4", "", ""],
        ["pointwise.wide: Pointwise.Body<Differentiated<LeakyReLU>, FourChannels, Four>", "4", "1",
            "256", "", "", "", "5", "2", "9"],
        ["all", "338", "77", "", "", "", "", "", "", ""],
    ];

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    public void PlansLookSo(int width) => Golden("plan", width, Written(width, PlanCommand.Columns, Plan));

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    public void ProfilesLookSo(int width) => Golden("profile", width, Written(width, ProfileCommand.Columns, Profile));

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    public void KernelsLookSo(int width) => Golden("ptx", width, Written(width, BenchPtx.Columns, Ptx));

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    public void EvaluationsLookSo(int width)
    {
        string kind = "scratches on the housing, left of the second screw";
        var result = EvaluationResult.Of(
        [
            new("good/a.png", "good", 1, new(2, 2, [1, 1, 1, 1]), 2, 2, null),
            new("hole/a.png", kind, 2, new(2, 2, [2, 1, 1, 1]), 2, 2, [1, 0, 0, 0]),
        ], 1, 1, new(2));
        Golden("evaluate", width, At(width, output => EvaluationTable.Render(result, output)));
    }

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    public void InspectionsLookSo(int width)
    {
        string shown = At(width, output => Program.Run(["inspect", tiny.Data], output, TextWriter.Null));
        Golden("inspect", width, shown[shown.IndexOf('─', Ordinal)..(shown.LastIndexOf('─') + 1)]);
    }

    /// <summary>From as narrow as a telephone to as wide as any screen.</summary>
    [Fact]
    public void NoFigureBreaksAndNoColumnGoesUnsaidAtAnyWidth()
    {
        var tables = new[]
        {
            (PlanCommand.Columns, Plan), (ProfileCommand.Columns, Profile), (BenchPtx.Columns, Ptx),
        };
        foreach (var (columns, rows) in tables)
            for (int width = 40; width <= 200; width++)
            {
                string[] lines = Written(width, columns, rows).Split('\n');
                Assert.All(lines, line => Assert.True(line.Length <= width, $"{width}: '{line}'"));
                string text = string.Join(' ', lines), flat = Blank().Replace(text, " ");
                string left = flat.Split("Left out: ") is [_, var said] ? said : "";
                for (int i = 0; i < columns.Length; i++)
                {
                    if (left.Split(". A wider")[0].Split(", ").Contains(columns[i].Head)) continue;
                    Assert.All(columns[i].Head.Split(' '), word => Assert.Contains(word, flat, Ordinal));
                    if (!columns[i].IsText) Assert.All(rows, row => Assert.Contains(row[i], text, Ordinal));
                }
                Assert.DoesNotContain("…", text, Ordinal);
            }
    }

    [Theory]
    [InlineData("plan", "MODEL")]
    [InlineData("show", "MODEL")]
    [InlineData("inspect", "DATA")]
    [InlineData("evaluate", "MODEL", "DATA")]
    [InlineData("devices")]
    [InlineData("config", "--keys")]
    [InlineData("config", "--presets")]
    [InlineData("profile", "--preset", "tiny", "--steps", "1")]
    [InlineData("threshold", "COPY", "DATA", "--verdict.imageQuantile", "0.5")]
    [InlineData("train", "DATA", "-o", "COPY", "--preset", "tiny", "--weights", "none", "--max-images", "24")]
    public void VerbsKeepWithinTheTerminalAndBreakBetweenWords(params string[] args)
    {
        string copy = tiny.PathOf("copy.mlffad");
        File.Copy(tiny.Model, copy, overwrite: true);
        args = [.. args.Select(arg =>
            arg switch { "MODEL" => tiny.Model, "DATA" => tiny.Data, "COPY" => copy, _ => arg })];
        string plain = CommandRun.Of(args).Output;
        foreach (int width in new[] { 80, 100, 120 })
        {
            string shown = At(width, output => Assert.Equal(0, Program.Run(args, output, TextWriter.Null)));
            // A path may be longer than the line: there is nowhere else to break it.
            string longest = Regex.Split(plain, @"\s+").MaxBy(word => word.Length)!;
            if (longest.Length < width)
                Assert.All(shown.Split('\n'), line => Assert.True(line.Length <= width, $"{width}: '{line}'"));
            // Each word, but for what is measured, is one of the file's.
            var words = Regex.Split(plain + " " + LeftOut, @"[\s|]+").ToHashSet();
            var shownWords = Regex.Split(shown, @"\s+")
                .Where(word => word.Any(char.IsLetter) && !word.Any(char.IsDigit));
            Assert.All(shownWords, word => Assert.True(words.Contains(word) || words.Contains(word[..^1]), word));
        }
    }

    [Fact]
    public void AFileHoldsEveryColumnAndNoLineBreaks()
    {
        using var output = new StringWriter();
        string long600 = new('x', 600);
        Tables.Write(output, PlanCommand.Columns, [.. Plan, ["9", long600, "k l", "m", "1", "2", "3", "4", "5", "6"]]);
        string[] lines = output.ToString().ReplaceLineEndings("\n").TrimEnd().Split('\n');
        Assert.Equal(Plan.Length + 5, lines.Length);
        Assert.All(PlanCommand.Columns, column => Assert.Contains($" {column.Head} ", lines[1], Ordinal));
        Assert.Contains(lines, line => line.Contains(long600, Ordinal) && line.Contains("k l", Ordinal));
        Assert.DoesNotContain("Left out", output.ToString(), Ordinal);
    }

    private static string Written(int width, Column[] columns, string[][] rows) =>
        At(width, output => Tables.Write(output, columns, rows, sums: true));

    /// <summary>What a terminal of a width shows, without its colours and what was wiped from its lines.</summary>
    private static string At(int width, Action<TextWriter> write)
    {
        using var text = new StringWriter();
        write(new StandardWriter(text, width));
        string plain = Colour().Replace(text.ToString(), "").Replace("\r\n", "\n", Ordinal);
        return string.Join('\n', plain.Split('\n').Select(line => line.Split('\r')[^1].TrimEnd()));
    }

    private static void Golden(string name, int width, string shown)
    {
        string all = Goldens.ReplaceLineEndings("\n");
        string begin = $"== {name} {width}\n";
        int at = all.IndexOf(begin, Ordinal);
        Assert.True(at >= 0, shown);
        string golden = all[(at + begin.Length)..];
        if (golden.IndexOf("== ", Ordinal) is >= 0 and var end) golden = golden[..end];
        Assert.Equal(golden.TrimEnd(), shown.TrimEnd());
    }

    [GeneratedRegex(@"\x1b\[[0-9;?]*[a-zA-Z]")]
    private static partial Regex Colour();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blank();
}
