using System.CommandLine;
using System.Text.Json;
using MlffAd;
using MlffAd.Peers;

var rounds = new Option<int>("--rounds") { Description = "Rounds that count.", DefaultValueFactory = _ => 7 };
var threads = new Option<int>("--threads")
{
    Description = "Threads of each; 0: one for each processor.",
    DefaultValueFactory = _ => 0,
};
var json = new Option<string?>("--json") { Description = "Also write the figures to this file." };
var only = new Option<string?>("--only") { Description = "Races whose name contains this." };
var root = new RootCommand(
    "Races mlffad's processor engine against ONNX Runtime and libtorch, interleaved, on the same weights and images.")
{ rounds, threads, json, only };
root.SetAction(parse =>
{
    int count = Count(parse);
    var results = new SortedDictionary<string, Dictionary<string, double>>(StringComparer.Ordinal);
    using (var device = Device.Open("cpu", 1))
        Console.WriteLine(
            $"{device.Name}, {count} threads; milliseconds an image, medians (minima) of {parse.GetValue(rounds)} "
                + $"interleaved rounds.");
    foreach (var race in Contest.All)
    {
        if (parse.GetValue(only) is { } part && !race.Name.Contains(part, StringComparison.Ordinal)) continue;
        var outcome = race.Run(count, parse.GetValue(rounds));
        var (times, (peer, key)) = (outcome.Times, race.Peer);
        double[] ours = [.. times.Ours.Select(t => t * 1e3 / race.Batch)];
        double[] peers = [.. times.Peers.Select(t => t * 1e3 / race.Batch)];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{race.Name,-28} ours {Timing.Median(ours),7:0.00} ({ours.Min(),7:0.00})  {peer} "
                + $"{Timing.Median(peers),7:0.00} ({peers.Min(),7:0.00})  ratio {times.Ratio:0.000}  {outcome.Remark}"));
        var figures = results[race.Name] = new()
        {
            ["oursMs"] = Timing.Median(ours),
            [key + "Ms"] = Timing.Median(peers),
            ["oursMinMs"] = ours.Min(),
            [key + "MinMs"] = peers.Min(),
            [$"ratioTo{char.ToUpperInvariant(key[0])}{key[1..]}"] = times.Ratio,
        };
        foreach (var (name, value) in outcome.Figures) figures[name] = value;
    }
    if (parse.GetValue(json) is { } path)
        AtomicFile.WriteText(path,
            JsonSerializer.Serialize(results, new JsonSerializerOptions { WriteIndented = true }));
});
var model = new Argument<string>("MODEL");
var photographs = new Argument<string[]>("PATH") { Arity = ArgumentArity.OneOrMore };
var check = new Command("export",
    "Compares a model's scores of photographs with those of its ONNX export in ONNX Runtime.")
{ model, photographs, threads };
check.SetAction(parse => ExportCheck.Run(parse.GetRequiredValue(model), parse.GetRequiredValue(photographs),
    Count(parse), Console.Out));
root.Add(check);
var folder = new Argument<string>("DIR");
var size = new Option<int>("--size") { DefaultValueFactory = _ => 10000 };
var candidates = new Option<int>("--candidates") { DefaultValueFactory = _ => 150000 };
var choice =
    new Command("kcentre", "Races the choice of a memory against the plain loop in libtorch.") { folder, size,
    candidates, threads };
choice.SetAction(parse =>
{
    var memory = Preset.Find("memory")
        .Memory with
    { Size = parse.GetValue(size), Candidates = parse.GetValue(candidates) };
    KCentreRace.Run(parse.GetRequiredValue(folder), Preset.Find("memory") with { Memory = memory }, Count(parse),
        Console.Out);
});
root.Add(choice);
try { return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false }); }
catch (MlffAdException e)
{
    Console.Error.WriteLine($"mlffad: {e.Message}");
    return (int)e.Code;
}

int Count(ParseResult parse) => parse.GetValue(threads) is > 0 and int given ? given : Environment.ProcessorCount;
