using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad inspect</c>: looks at every file of a data set before hours are spent on it.</summary>
internal static class InspectCommand
{
    private const int MostListed = 10;

    private static readonly Column[] Columns =
    [
        new("Split", 0, Text: 5), new("Kind", 0, Text: 15), new("Images", 1), new("Unusable", 2), new("Masks", 3),
        new("Sizes", 4, Text: 15),
    ];

    public static Command Create()
    {
        var folder = new Argument<string>("DIR")
        {
            Description = "A folder of good images, or a data set in MVTec AD's layout.",
        };
        var verb = new Verb("inspect",
            "Reads every image of a data set and reports counts, sizes, splits, unusable files and what else may "
                + "go wrong.", "mlffad inspect photographs/bottle")
        { folder, CommonOptions.Plain, CommonOptions.Threads, CommonOptions.MaxPixels, CommonOptions.MaxBad };
        var keys = new ConfigOptions(verb, Config.Keys.Where(k => k.Name is "train.holdout" or "bitDepth"));
        verb.SetAction(parse =>
        {
            var config = keys.Apply(parse, new Config());
            var set = DataSet.Open(parse.GetRequiredValue(folder), parse.GetValue(CommonOptions.Plain));
            using var counter = new Counter(parse, set.Train.Count + set.Test.Count);
            var inspection = Inspection.Of(set, config.Train.Holdout, parse.GetValue(CommonOptions.MaxBad),
                parse.GetValue(CommonOptions.MaxPixels), parse.GetValue(CommonOptions.Threads), _ => counter.Next(),
                config.BitDepth);
            counter.Dispose();
            Write(parse.InvocationConfiguration.Output, set, inspection);
            return inspection.Problems.Count > 0 ? (int)ExitCode.BadData : (int)ExitCode.Success;
        });
        return verb;
    }

    private static void Write(TextWriter output, DataSet set, Inspection inspection)
    {
        string layout = set.IsMvtec ? "MVTec AD's layout" : "a plain folder of good images";
        Tables.WriteLine(output, $"'{set.Root}': {layout}, {set.Train.Count} to train on"
            + (inspection.HeldOut > 0 ? $" ({inspection.HeldOut} of them held out for the threshold)" : "")
            + $", {set.Test.Count} to test." + (set.LeftOut is { } leftOut ? " " + leftOut : ""));
        var rows = new List<string[]>();
        foreach (var k in inspection.Kinds)
        {
            string masks = !set.HasMasks || k.Split == "train" || k.Kind == DataSet.Good ? "" : Count(k.Masks);
            string sizes = string.Join(", ", k.Sizes.Take(3)
                .Select(s => $"{s.Width}×{s.Height}" + (k.Sizes.Count > 1 ? $" ({s.Count})" : "")))
                + (k.Sizes.Count > 3 ? ", …" : "");
            rows.Add([k.Split, k.Kind, Count(k.Images), Count(k.Unusable), masks, sizes]);
        }
        Tables.Write(output, Columns, rows);
        List(output, "Unusable", [.. inspection.Rejects.Select(r => r.Message)]);
        List(output, "Must be mended", inspection.Problems);
        List(output, "Worth a thought", inspection.Warnings);
    }

    private static string Count(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static void List(TextWriter output, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        output.WriteLine($"{title}:");
        foreach (string line in lines.Take(MostListed)) Tables.WriteBeside(output, "", 2, line);
        if (lines.Count > MostListed) output.WriteLine($"  … and {lines.Count - MostListed} more.");
    }
}
