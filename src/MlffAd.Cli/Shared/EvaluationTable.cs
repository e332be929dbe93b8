using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary>An evaluation as a table: a row for each kind, one for all.</summary>
internal static class EvaluationTable
{
    private static readonly Column[] OfImages =
    [
        new("kind", 0, Text: 20), new("images", 4), new("flagged", 3), new("image AUROC", 0),
        new("AP", 6) { Name = "image AP" }, new("F1-max", 5),
    ];

    private static readonly Column[] OfPixels =
    [
        new("pixel AUROC", 1), new("AP", 7) { Name = "pixel AP" }, new("PRO", 2),
    ];

    /// <summary>Draws the table; where the output is no terminal, plain aligned columns, never wrapped.</summary>
    public static void Render(EvaluationResult result, TextWriter output)
    {
        bool pixels = result.Pixel is not null;
        Column[] columns = [.. OfImages, .. pixels ? OfPixels : []];
        string[][] rows =
        [
            .. result.Kinds.Select(kind => Row(kind.Kind, result.Images.Where(image => image.Kind == kind.Kind),
                kind.Image, kind.Pixel)),
            Row("all", result.Images, result.Image, result.Pixel),
        ];
        if (StandardWriter.Of(output).Width is not null) Tables.Write(output, columns, rows, sums: true);
        else WritePlain(output, [.. columns.Select(column => column.Head)], rows);
        if (!pixels) Tables.WriteLine(output, "There are no masks: image level only.");
        else if (result.Options.Pro == ProMethod.Rd4ad)
            Tables.WriteLine(output, "PRO is the RD4AD variant, a mean over images.");

        if (result.Images.All(image => image.Kind != TestImage.Good))
            Tables.WriteLine(output, "There are no good test images to tell the defective ones from.\n"
                + "Good parts lie in a folder called good, ok or normal.");

        string[] Row(string kind, IEnumerable<TestImage> images, ImageMetrics image, PixelMetrics? pixel) =>
        [
            kind, Count(images.Count()), Count(images.Count(result.IsFlagged)), Figure(image.Auroc), Figure(image.Ap),
                Figure(image.F1Max),
            .. pixels ? [Figure(pixel?.Auroc), Figure(pixel?.Ap), Figure(pixel?.Pro)] : Array.Empty<string>(),
        ];
    }

    private static void WritePlain(TextWriter writer, string[] heads, string[][] rows)
    {
        string[][] lines = [heads, .. rows];
        int[] widths = [.. heads.Select((_, i) => lines.Max(line => line[i].Length))];
        foreach (string[] line in lines)
            writer.WriteLine(string.Join("  ",
                line.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))));
    }

    private static string Count(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Figure(double? value) => value?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "-";
}
