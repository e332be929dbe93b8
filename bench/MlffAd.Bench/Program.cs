using System.CommandLine;
using MlffAd;
using MlffAd.Bench;
using MlffAd.Cli;
using MlffAd.Configuration;
using MlffAd.Files;

var verb = BenchProjects.Ops(parse =>
{
    int batch = parse.GetValue(BenchProjects.Batch);
    string? filter = parse.GetValue(BenchProjects.Filter);
    using var device = BenchProjects.OpenDevice(parse);
    var cases = StepOperators.Filter(StepOperators.Of(Preset.Find("paper"), batch, device), filter);
    bool counting = !parse.GetValue(CommonOptions.Quiet) && !Console.IsErrorRedirected;
    var rows = OperatorBenchmark.Time(device, cases, begun => { if (counting) Console.Error.Write($"\r{begun + 1} of {cases.Count}: {cases[begun],-100}\r"); });
    if (counting) Console.Error.Write($"\r{new string(' ', 118)}\r");
    var table = new OperatorTable(device, batch, rows, filter);
    table.Write(Console.Out);
    if (parse.GetValue(CommonOptions.Json) is { } path) AtomicFile.WriteText(path, table.Json());
    MarkedPages.Write(parse.GetValue(BenchProjects.Update)!, [(BenchProjects.OpsSection, table.Markdown())]);
    return 0;
});
verb.Options.Add(CommonOptions.Quiet);
try { return verb.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false }); }
catch (Exception e) { return MlffAd.Cli.Program.Report(e, Console.Error, interrupted: false); }
