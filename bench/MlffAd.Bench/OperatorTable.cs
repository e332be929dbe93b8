using System.Text;
using System.Text.Json;
using MlffAd.Cli;

namespace MlffAd.Bench;

/// <summary>The figures as tables, Markdown and JSON.</summary>
internal sealed class OperatorTable(Device device, int batch, IReadOnlyList<OperatorRow> rows, string? filter)
{
    private readonly string[] _heads = ["×", "ms", "GFLOP/s", "GB/s", "of peak", filter is null
        ? "of step"
        : "of these"];

    private double Step => rows.Sum(r => r.InStep);

    /// <summary>Writes every case, then every operator.</summary>
    public void Write(TextWriter output)
    {
        Column[] figures = [.. _heads.Zip([5, 1, 3, 4, 0, 2], (head, rank) => new Column(head, rank))];
        Tables.WriteLine(output, Title);
        Tables.Write(output, [new("operator", 0, Text: 30), new("shape", 0, Text: 20), .. figures],
            [.. rows.Select(r => (string[])[r.Name, r.Case.What, .. Cells([r])])]);
        Tables.WriteLine(output, Sums);
        Tables.Write(output, [new("operator", 0, Text: 30), new("shapes", 6), .. figures],
            [.. Operators.Select(o => (string[])[o.Name, Invariant($"{o.Rows.Count}"), .. Cells(o.Rows)])]);
    }

    /// <summary>Every operator, and the cases that take a hundredth of a step or more.</summary>
    public string Markdown()
    {
        var text = new StringBuilder($"{Title}\n\n{Sums}\n\n");
        Append(text, ["operator", "shapes", .. _heads],
            Operators.Select(o => (string[])[o.Name, Invariant($"{o.Rows.Count}"), .. Cells(o.Rows)]));
        text.Append("\nThe shapes that take a hundredth of the time or more:\n\n");
        Append(text, ["operator", "shape", .. _heads], rows.Where(r => r.InStep >= Step / 100)
            .OrderByDescending(r => r.InStep).Select(r => (string[])[r.Name, r.Case.What, .. Cells([r])]));
        return text.ToString();
    }

    /// <summary>All figures, as JSON.</summary>
    public string Json() => JsonSerializer.Serialize(new
    {
        device = device.Name,
        threads = device.Team.Count,
        batch,
        precision = device.Precision.Name(),
        fmaGflops = Peak(r => r.Fma),
        productGflops = Peak(r => r.Product),
        readGBs = Peak(r => r.Stream.Read),
        copyGBs = Peak(r => r.Stream.Copy),
        copyNonTemporalGBs = Peak(r => r.Stream.CopyPast),
        stepMs = Step * 1e3,
        rows = rows.Select(r => new
        {
            name = r.Name,
            what = r.Case.What,
            kernels = r.Kernels.Select(k => k.Name),
            callsInStep = r.Case.InStep,
            ms = r.Seconds * 1e3,
            flop = r.Flop,
            bytes = r.Bytes,
            bound = r.BoundByArithmetic ? "arithmetic" : "memory",
            ofPeak = r.LeastSeconds / r.Seconds,
        }),
    }, new JsonSerializerOptions { WriteIndented = true });

    private string Title => device.IsHost
        ? string.Create(CultureInfo.InvariantCulture,
            $"{device.Name}, {device.Team.Count} thread{(device.Team.Count == 1 ? "" : "s")}, batch {batch}. Peaks, "
                + $"measured beside each operator: {Peak(r => r.Fma):0} GFLOP/s of multiply-adds; GB/s read "
                + $"{Peak(r => r.Stream.Read):0.0}, copied {Peak(r => r.Stream.Copy):0.0}, by non-temporal stores "
                + $"{Peak(r => r.Stream.CopyPast):0.0}. All are medians; a share is of its own row's, the fastest of "
                + $"the last three or, with 'fma', the multiply-adds.")
        : string.Create(CultureInfo.InvariantCulture,
            $"{device.Name}, {device.Precision.Name()}, batch {batch}. Peaks, measured beside each operator: "
                + $"{Peak(r => r.Fma):0} GFLOP/s of multiply-adds, {Peak(r => r.Product):0} of products, "
                + $"{Peak(r => r.Stream.Copy):0} GB/s copied. All are medians; a share is of its own row's last or, "
                + $"with 'fma', of its multiply-adds or, where an operator is a product, of its products.");

    /// <summary>Time of a training step, and of its convolutions.</summary>
    private string Sums
    {
        get
        {
            // Filtered rows do not make up a step.
            if (filter is not null) return "";
            double In(string start) =>
                rows.Where(r => r.Case.Name.StartsWith(start, StringComparison.Ordinal)).Sum(r => r.InStep) * 1e3;
            double gradients = In("convolution.gradient");
            double weights = In("convolution.gradient.weight");
            double inputs = In("convolution.gradient.input");
            return string.Create(CultureInfo.InvariantCulture,
                $"A training step by these rows (calls × time): {Step * 1e3:0} ms. Convolutions {In("convolution"):0} "
                    + $"ms: forward {In("convolution") - gradients:0}, gradients to the inputs {inputs:0}, to the "
                    + $"weights {weights:0}.");
        }
    }

    private IEnumerable<(string Name, List<OperatorRow> Rows)> Operators =>
        rows.GroupBy(r => r.Name).Select(o => (o.Key, o.ToList()));

    /// <summary>Several rows' calls and time per step, their speeds and share of it. Rows outside the step count once
    /// each.</summary>
    private string[] Cells(IReadOnlyList<OperatorRow> some)
    {
        bool outside = some.All(r => r.Case.InStep == 0);
        double Sum(Func<OperatorRow, double> of) => some.Sum(r => of(r) * (outside ? 1 : r.Case.InStep));
        double seconds = Sum(r => r.Seconds), least = Sum(r => r.LeastSeconds);
        string bound = 2 * Sum(r => r.BoundByArithmetic ? r.Seconds : 0) > seconds ? " fma" : "";
        return
        [
            outside ? ""
                : Invariant($"{some.Sum(r => r.Case.InStep)}"),
                Invariant($"{(some.Count == 1 ? some[0].Seconds : seconds) * 1e3:0.000}"),
            Invariant($"{Sum(r => r.Flop) / seconds / 1e9:0.0}"), Invariant($"{Sum(r => r.Bytes) / seconds / 1e9:0.0}"),
            Invariant($"{least / seconds * 100:0}%{bound}"), outside
                ? ""
                : Invariant($"{some.Sum(r => r.InStep) / Step * 100:0.0}%"),
        ];
    }

    private double Peak(Func<PeakRates, double> of) => Timing.Median(rows.Select(r => of(r.Peaks)));

    private static void Append(StringBuilder text, string[] heads, IEnumerable<string[]> lines)
    {
        text.Append($"| {string.Join(" | ", heads)} |\n|---|---|{string.Concat(heads.Skip(2).Select(_ => "---:|"))}\n");
        foreach (string[] line in lines) text.Append($"| {string.Join(" | ", line)} |\n");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
