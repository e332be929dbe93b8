using System.CommandLine;
using MlffAd;
using MlffAd.Bench;
using MlffAd.Cli;
using MlffAd.CommandLine;
using MlffAd.Training;

var verb = BenchProjects.Ops(parse =>
{
    int batch = parse.GetValue(BenchProjects.Batch);
    string? filter = parse.GetValue(BenchProjects.Filter);
    using var device = BenchProjects.OpenDevice(parse);
    using var line = new StatusLine(Console.Error, parse.GetValue(CommonOptions.Quiet));
    if (parse.GetValue(BenchProjects.Against) is { } folder) return Compare(folder);
    var sample = parse.GetValue(CommonOptions.Images) is { } photographs
        ? MemorySample.Of(Preset.Find("memory"), photographs, batch, device) : null;
    var cases = StepOperators.Filter(StepOperators.Of(Preset.Find("paper"), batch, device, sample), filter);
    if (sample is not null && !cases.Any(c => c.Name.StartsWith("memory", StringComparison.Ordinal)))
        throw new MlffAdException(ExitCode.Usage, "--images is for the memory's operators: take --filter memory.");
    Say($"timing {cases.Count} operators, a second or so each.");
    var rows = OperatorBenchmark.Time(device, cases, begun => Show(begun, cases));
    line.Clear();
    var table = new OperatorTable(device, batch, rows, filter);
    table.Write(Console.Out);
    if (parse.GetValue(CommonOptions.Json) is { } path) AtomicFile.WriteText(path, table.Json());
    MarkedPages.Write(parse.GetValue(BenchProjects.Update)!, [(BenchProjects.OpsSection, table.Markdown())]);
    return 0;

    int Compare(string folder)
    {
        string other = BenchProjects.OtherBuild(folder);
        string own = Path.Combine(AppContext.BaseDirectory, Path.GetFileName(other));
        OperatorBuild Load(string path) => new(path, device, batch);
        // The build loaded first may be slower for that alone: loading the copy first turns that into noise.
        using OperatorBuild again = Load(own), here = Load(own), there = Load(other);
        var comparison = new OperatorComparison(here, there, again, filter);
        int rounds = parse.GetValue(BenchProjects.Rounds);
        var rows = new List<ComparedRow>();
        Say($"timing {comparison.Cases.Count} operators of two builds, some seconds each.");
        foreach (string name in comparison.Cases)
        {
            Show(rows.Count, comparison.Cases);
            rows.Add(comparison.Time(name, rounds, StreamPeak.ArrayBytes));
        }
        line.Clear();
        var table = new ComparisonTable(device: device, batch: batch, against: folder, rounds: rounds, rows: rows,
            leftOut: comparison.LeftOut);
        table.Write(Console.Out);
        if (parse.GetValue(CommonOptions.Json) is { } path) AtomicFile.WriteText(path, table.Json());
        return 0;
    }

    void Say(string what)
    {
        if (!parse.GetValue(CommonOptions.Quiet)) Console.Error.WriteLine($"mlffad: {what}");
    }

    void Show<T>(int begun, IReadOnlyList<T> cases) => line.Show($"{begun + 1} of {cases.Count}: {cases[begun]}");
});
verb.Options.Add(CommonOptions.Quiet);
try { return verb.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false }); }
catch (Exception e) { return MlffAd.CommandLine.CommandRunner.Report(e, Console.Error, interrupted: false); }
