using System.Globalization;
using MlffAd.Evaluation;
using Spectre.Console;

namespace MlffAd.Cli;

/// <summary>An evaluation as a table: a row for each kind, one for all.</summary>
internal static class EvaluationTable
{
    /// <summary>Draws the table; where the console is no terminal, plain aligned columns, never wrapped.</summary>
    public static void Render(EvaluationResult result, IAnsiConsole console)
    {
        bool pixels = result.Pixel is not null, terminal = console.Profile.Out.IsTerminal;
        string[] heads = ["kind", "images", "flagged", "image AUROC", "AP", "F1-max", .. pixels ? ["pixel AUROC", "AP", "PRO"] : Array.Empty<string>()];
        string[][] rows =
        [
            .. result.Kinds.Select(kind => Row(kind.Kind, result.Images.Where(image => image.Kind == kind.Kind), kind.Image, kind.Pixel)),
            Row("all", result.Images, result.Image, result.Pixel),
        ];
        if (terminal) console.Write(Drawn(heads, rows));
        else WritePlain(console.Profile.Out.Writer, heads, rows);
        if (!pixels) console.WriteLine("There are no masks: image level only.");
        else if (result.Options.Pro == ProMethod.Rd4ad) console.WriteLine("PRO is the RD4AD variant, a mean over images.");

        if (result.Images.All(image => image.Kind != TestImage.Good))
            console.WriteLine("There are no good test images to tell the defective ones from.\n"
                + "Good parts lie in a folder called good, ok or normal.");

        string[] Row(string kind, IEnumerable<TestImage> images, ImageMetrics image, PixelMetrics? pixel) =>
        [
            kind, Count(images.Count()), Count(images.Count(result.IsFlagged)), Figure(image.Auroc), Figure(image.Ap), Figure(image.F1Max),
            .. pixels ? [Figure(pixel?.Auroc), Figure(pixel?.Ap), Figure(pixel?.Pro)] : Array.Empty<string>(),
        ];
    }

    /// <summary>Heads break between their words, so that nine columns fit into 80.</summary>
    private static Table Drawn(string[] heads, string[][] rows)
    {
        var table = new Table { Border = TableBorder.Horizontal };
        foreach (string head in heads)
            table.AddColumn(head.Replace(' ', '\n'), column => column.Padding(0, 2).Alignment(head == "kind" ? Justify.Left : Justify.Right));
        foreach (string[] row in rows) table.AddRow(Array.ConvertAll(row, cell => row == rows[^1] ? $"[bold]{Markup.Escape(cell)}[/]" : Markup.Escape(cell)));
        return table;
    }

    private static void WritePlain(TextWriter writer, string[] heads, string[][] rows)
    {
        string[][] lines = [heads, .. rows];
        int[] widths = [.. heads.Select((_, i) => lines.Max(line => line[i].Length))];
        foreach (string[] line in lines)
            writer.WriteLine(string.Join("  ", line.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))));
    }

    private static string Count(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Figure(double? value) => value?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "-";
}
