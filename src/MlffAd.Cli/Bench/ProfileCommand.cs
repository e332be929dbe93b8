using System.CommandLine;
using System.Text.Json;
using MlffAd.CommandLine;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad profile</c>: where the time of a training step, or of scoring, goes.</summary>
internal static class ProfileCommand
{
    /// <summary>Steps that compile, allocate and warm up.</summary>
    private const int Before = 2;

    /// <summary>The table's columns.</summary>
    public static readonly Column[] Columns =
    [
        new("kernel", 0, Text: 36), new("calls", 4), new("ms", 0), new("share", 1), new("GFLOP", 7), new("MB", 6),
        new("GFLOP/s", 3), new("GB/s", 5), new("of roofline", 2),
    ];

    public static Command Create()
    {
        var steps = CommonOptions.AtLeast(1, new Option<int>("--steps")
        {
            Description = "Steps to add up, after two that warm up.",
            HelpName = "N",
            DefaultValueFactory = _ => 3,
        });
        var scoring = new Option<bool>("--scoring")
        {
            Description = "Profile scoring a batch instead of a training step.",
        };
        var trace = new Option<string?>("--trace")
        {
            Description = "Also write every call into this file, for ui.perfetto.dev or chrome://tracing.",
            HelpName = "FILE",
        };
        var verb = new Verb("profile",
            "Shows where the time of a training step (paper, unless --preset says otherwise) or of scoring goes: per "
                + "kernel calls, time, arithmetic, traffic, and how near it comes to the device's roofline, which is "
                + "measured first.", "mlffad profile", "mlffad profile --scoring --preset fast --batch 1",
            "mlffad profile --scoring --preset memory --images photographs/bottle",
            "mlffad profile --device cuda:0 --precision tf32 --batch 32 --trace step.json")
        {
            steps, scoring, CommonOptions.Images, trace, CommonOptions.Json, CommonOptions.Device,
            CommonOptions.Precision, CommonOptions.Threads,
        };
        var options = new PresetOptions(verb, "train.batch");
        verb.SetAction(parse =>
        {
            bool scores = parse.GetValue(scoring);
            var config = scores ? options.ForBench(parse)
                : options.ForTrainingBench(parse, "profile it with --scoring");
            if (!scores && parse.GetValue(CommonOptions.Images) is not null)
                throw new MlffAdException(ExitCode.Usage,
                    "--images goes with --scoring: a training step's time does not depend on what it is shown.");
            new OutputFiles().Add(parse.GetValue(CommonOptions.Json)).Add(parse.GetValue(trace));
            using var device = parse.OpenDevice();
            PeakRates peaks;
            using (var meter = new PeakMeter(device)) peaks = meter.Measure();
            List<KernelCall> calls = [];
            double wall = scores ? Score(parse, device, config, parse.GetValue(steps), calls)
                : Train(device, config, parse.GetValue(steps), calls);
            var rows = ProfileLine.Of(calls, parse.GetValue(steps), peaks);
            Print(parse.InvocationConfiguration.Output, device, config, peaks, rows, wall, scores ? "Scoring a batch"
                : "A training step");
            if (parse.GetValue(CommonOptions.Json) is { } json)
                AtomicFile.WriteText(json, Json(device, config, peaks, rows, wall));
            if (parse.GetValue(trace) is { } path) AtomicFile.WriteText(path, Trace(calls));
        });
        return verb;
    }

    private static double Train(Device device, Config config, int steps, List<KernelCall> calls)
    {
        using var parameters =
            new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(config), config.Train.Seed));
        using var step = new TrainingStep(config, parameters, config.Train.Batch);
        var feed = BenchCommand.Feed(step, config, device);
        var batch = feed();
        // As training does it: the next batch is uploaded while this one is computed on.
        return Measure(device, steps, calls, () => step.Run(batch, config.Train.Lr, () => batch = feed()));
    }

    /// <summary>A batch through random weights; or, of a memory, through one that is made of the photographs.</summary>
    private static double Score(ParseResult parse, Device device, Config config, int steps, List<KernelCall> calls)
    {
        var shape = new Shape(config.Train.Batch, config.ImageSize, config.ImageSize, 3);
        var (made, weights, images) = config.HasMemory && parse.GetValue(CommonOptions.Images) is { } folder
            ? MemorySample.Of(config, folder, shape.N, device)
            : new(config, Initialisation.Random(MlffNetwork.Parameters(config), config.Train.Seed),
                BenchCommand.Images(parse, config, shape, Preprocessing.ImageNet));
        using var plan = Planner.Plan(made, weights, device, shape, MlffNetwork.Scores(made));
        plan.Input.Write(images);
        return Measure(device, steps, calls, plan.Run);
    }

    /// <summary>Seconds of a step without a profiler; then the calls of some steps with one.</summary>
    private static double Measure(Device device, int steps, List<KernelCall> calls, Action step)
    {
        var profiler = device.Profiler;
        device.Profiler = null;
        for (int i = 0; i < Before; i++) step();
        device.Synchronize();
        double seconds = Timing.Median([.. Enumerable.Range(0, steps).Select(_ => Timing.SecondsPerCall(() =>
        {
            step();
            device.Synchronize();
        }, TimeSpan.Zero))]);
        device.Profiler = new Profiler(device, calls);
        for (int i = 0; i < steps; i++) step();
        device.Profiler.Finish();
        device.Profiler = profiler;
        return seconds;
    }

    /// <summary>A kernel in a step.</summary>
    private sealed record ProfileLine(string Name, double Calls, double Seconds, double Flop, double Bytes,
        double Least)
    {
        public static IReadOnlyList<ProfileLine> Of(IEnumerable<KernelCall> calls, int steps, PeakRates peaks) =>
        [
            .. calls.GroupBy(call => call.Name)
                .Select(k => new ProfileLine(Name: k.Key, Calls: k.Count() / (double)steps,
                    Seconds: k.Sum(call => call.Seconds) / steps, Flop: k.Sum(call => (double)call.Flop) / steps,
                    Bytes: k.Sum(call => (double)call.Bytes) / steps, Least: peaks.Fma == 0
                    ? 0
                    : k.Sum(call => Math.Max(call.Flop / peaks.Arithmetic(k.Key), call.Bytes / peaks.Stream.Ceiling))
                        / 1e9 / steps)).OrderByDescending(row => row.Seconds),
        ];

        /// <summary>The share of the roofline: the time that the ceilings allow, of the time it took.</summary>
        public double? OfRoofline => Least == 0 ? null : Least / Seconds;
    }

    private static void Print(TextWriter output, Device device, Config config, PeakRates peaks,
        IReadOnlyList<ProfileLine> rows, double wall, string what)
    {
        double all = rows.Sum(r => r.Seconds);
        string[] Cells(ProfileLine r) =>
        [
            r.Name, Text(r.Calls, "0.#"), Text(r.Seconds * 1e3, "0.000"), Text(r.Seconds / all, "0.0%"),
            Text(r.Flop / 1e9, "0.00"), Text(r.Bytes / 1e6, "0.0"), Text(r.Flop / r.Seconds / 1e9, "0"),
            Text(r.Bytes / r.Seconds / 1e9, "0.0"), r.OfRoofline is { } share ? Text(share, "0%") : "",
        ];
        var sum = new ProfileLine(Name: "all", Calls: rows.Sum(r => r.Calls), Seconds: all,
            Flop: rows.Sum(r => r.Flop), Bytes: rows.Sum(r => r.Bytes), Least: rows.Sum(r => r.Least));
        Tables.Write(output, Columns, [.. rows.Append(sum).Select(Cells)], sums: true);
        Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
            $"{what} of {config.Train.Batch} images on {device.Id} ({device.Name}) takes {wall * 1e3:0.0} ms without a "
            + $"profiler. FLOP count by the definition, whatever the algorithm."));
        if (peaks.Fma == 0) return;
        string products = peaks.Product == peaks.Fma ? "" : Text(peaks.Product, "0") + " of products, ";
        Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
            $"The roofline is {peaks.Fma:0} GFLOP/s of multiply-adds, {products}and {peaks.Stream.Ceiling:0.0} GB/s of "
            + $"memory, measured just before; minimal filtering, and what a cache holds, may be above it."));
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    private static string Json(Device device, Config config, PeakRates peaks, IReadOnlyList<ProfileLine> rows,
        double wall) => JsonSerializer.Serialize(new
        {
            device = device.Id,
            name = device.Name,
            precision = device.Precision.Name(),
            batch = config.Train.Batch,
            seconds = wall,
            peakFlops = peaks.Fma * 1e9,
            peakProductFlops = peaks.Product * 1e9,
            peakBytesPerSecond = peaks.Stream.Ceiling * 1e9,
            kernels = rows.Select(r => new { r.Name, r.Calls, r.Seconds, r.Flop, r.Bytes, r.OfRoofline }),
        }, Options);

    /// <summary>The calls in Chrome's trace format, times in microseconds.</summary>
    private static string Trace(IReadOnlyList<KernelCall> calls) => JsonSerializer.Serialize(new
    {
        displayTimeUnit = "ms",
        traceEvents = calls.Select(c => new
        {
            name = c.Name,
            cat = "kernel",
            ph = "X",
            ts = c.Begin * 1e6,
            dur = c.Seconds * 1e6,
            pid = 1,
            tid = 1,
            args = new { about = c.About, c.Flop, c.Bytes }
        }),
    }, Options);
}
