using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad plan</c>: how a model's images will be computed.</summary>
internal static class PlanCommand
{
    private const double Mega = 1e6, MiB = 1 << 20;

    /// <summary>The table's columns.</summary>
    public static readonly Column[] Columns =
    [
        new("#", 6), new("step", 0, Text: 44), new("kernel", 1, Text: 40), new("result", 7, Text: 20), new("at MiB", 8),
        new("MFLOP", 3), new("MB", 5), new("ms", 0), new("GFLOP/s", 2), new("GB/s", 4),
    ];

    public static Command Create()
    {
        var path = CommonOptions.Model();
        var batch = CommonOptions.AtLeast(1, new Option<int>("--batch")
        {
            Description = "Images at a time.",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        });
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds")
        {
            Description = "How often the plan is run; times are medians.",
            HelpName = "N",
            DefaultValueFactory = _ => 5,
        });
        var verb = new Verb("plan",
            "Shows the launches that score an image with a model: algorithm, arithmetic, traffic, place in "
                + "memory, time.",
            "mlffad plan bottle.mlffad", "mlffad plan bottle.mlffad --batch 8 --threads 1",
            "mlffad plan bottle.mlffad --images photographs/bottle")
        {
            path, batch, rounds, CommonOptions.Images, CommonOptions.Device, CommonOptions.Precision,
            CommonOptions.Threads,
        };
        verb.SetAction(parse =>
        {
            var model = Model.Load(parse.GetRequiredValue(path));
            var config = model.Metadata.Config;
            using var device = parse.OpenDevice();
            var shape = new Shape(parse.GetValue(batch), config.ImageSize, config.ImageSize, 3);
            using var plan = Planner.Plan(config, model.Weights, device, shape, MlffNetwork.Scores(config));
            plan.Input.Write(BenchCommand.Images(parse, config, shape, model.Metadata.Preprocessing));
            plan.Run();
            var runs = Enumerable.Range(0, parse.GetValue(rounds)).Select(_ => plan.Measure()).ToList();
            Print(parse.InvocationConfiguration.Output, device, plan, [.. runs[0].Select((step, i) => step with
            {
                Seconds = Timing.Median(runs.Select(run => run[i].Seconds)),
            })]);
        });
        return verb;
    }

    private static void Print(TextWriter output, Device device, Plan plan, IReadOnlyList<PlannedStep> steps)
    {
        var rows = new List<string[]>();
        void Row(string number, string name, string kernel, string result, string at, double flop, double bytes,
            double seconds) => rows.Add(
        [
            number, name, kernel, result, at, Text(flop / Mega, "0.0"), Text(bytes / Mega, "0.00"),
            Text(seconds * 1e3, "0.000"), Text(flop / seconds * 1e-9, "0"), Text(bytes / seconds * 1e-9, "0.0"),
        ]);
        for (int i = 0; i < steps.Count; i++)
        {
            var s = steps[i];
            Row($"{i + 1}", s.Name, s.Kernel, s.Output.ToString(), Text(s.Offset / MiB, "0.00"), s.Flop, s.Bytes,
                s.Seconds);
        }
        Row("", "all", "", "", "", steps.Sum(s => (double)s.Flop), steps.Sum(s => (double)s.Bytes),
            steps.Sum(s => s.Seconds));
        Tables.Write(output, Columns, rows, sums: true);
        Tables.WriteLine(output, $"On {device.Id} ({device.Name}): {Text(plan.ActivationBytes / MiB, "0.0")} MiB of "
            + $"values, at most {Text(device.Pool.PeakBytes / MiB, "0.0")} MiB with weights and scratch. MFLOP count "
            + "by the definition, whatever the algorithm.");
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
