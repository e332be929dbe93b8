using System.CommandLine;
using System.Globalization;
using MlffAd.Configuration;
using MlffAd.Data;
using Spectre.Console;

namespace MlffAd.Cli;

/// <summary><c>mlffad inspect</c>: looks at every file of a data set before hours are spent on it.</summary>
internal static class InspectCommand
{
    private const int MostListed = 10;

    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "A folder of good images, or a data set in MVTec AD's layout." };
        var verb = new Verb("inspect", "Reads every image of a data set and reports counts, sizes, splits, unusable files and what else may go wrong.", "mlffad inspect photographs/bottle")
        { folder, CommonOptions.Plain, CommonOptions.Threads, CommonOptions.MaxPixels, CommonOptions.MaxBad };
        var keys = new ConfigOptions(verb, Config.Keys.Where(k => k.Name == "train.holdout"));
        verb.SetAction(parse =>
        {
            var config = keys.Apply(parse, new Config());
            var set = DataSet.Open(parse.GetRequiredValue(folder), parse.GetValue(CommonOptions.Plain));
            bool counting = !parse.GetValue(CommonOptions.Quiet) && !Console.IsErrorRedirected;
            int total = set.Train.Count + set.Test.Count;
            var inspection = Inspection.Of(set, config.Train.Holdout, parse.GetValue(CommonOptions.MaxBad), parse.GetValue(CommonOptions.MaxPixels), parse.GetValue(CommonOptions.Threads),
                done => { if (counting) Console.Error.Write($"\r{(done < total ? $"{done} of {total} images" : new string(' ', 40) + "\r")}"); });
            Write(parse.InvocationConfiguration.Output, set, inspection);
            return inspection.Problems.Count > 0 ? (int)ExitCode.BadData : (int)ExitCode.Success;
        });
        return verb;
    }

    private static void Write(TextWriter output, DataSet set, Inspection inspection)
    {
        output.WriteLine($"'{set.Root}': {(set.IsMvtec ? "MVTec AD's layout" : "a plain folder of good images")}, {set.Train.Count} to train on"
            + (inspection.HeldOut > 0 ? $" ({inspection.HeldOut} of them held out for the threshold)" : "")
            + $", {set.Test.Count} to test."
            + (set.LeftOut is { } leftOut ? " " + leftOut : ""));
        var table = new Table().AddColumns("Split", "Kind").AddColumn(new TableColumn("Images").RightAligned())
            .AddColumn(new TableColumn("Unusable").RightAligned()).AddColumn(new TableColumn("Masks").RightAligned()).AddColumn("Sizes");
        foreach (var k in inspection.Kinds)
        {
            string masks = !set.HasMasks || k.Split == "train" || k.Kind == DataSet.Good ? "" : k.Masks.ToString(CultureInfo.InvariantCulture);
            string sizes = string.Join(", ", k.Sizes.Take(3).Select(s => $"{s.Width}×{s.Height}" + (k.Sizes.Count > 1 ? $" ({s.Count})" : ""))) + (k.Sizes.Count > 3 ? ", …" : "");
            table.AddRow(k.Split, Markup.Escape(k.Kind), k.Images.ToString(CultureInfo.InvariantCulture), k.Unusable.ToString(CultureInfo.InvariantCulture), masks, sizes);
        }
        Tables.Write(output, table);
        List(output, "Unusable", [.. inspection.Rejects.Select(r => r.Message)]);
        List(output, "Must be mended", inspection.Problems);
        List(output, "Worth a thought", inspection.Warnings);
    }

    private static void List(TextWriter output, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        output.WriteLine($"{title}:");
        foreach (string line in lines.Take(MostListed)) output.WriteLine($"  {line}");
        if (lines.Count > MostListed) output.WriteLine($"  … and {lines.Count - MostListed} more.");
    }
}
