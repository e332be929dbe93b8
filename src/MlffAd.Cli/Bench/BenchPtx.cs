using System.CommandLine;
using System.Text.RegularExpressions;
using MlffAd.CommandLine;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad bench ptx</c>: the GPU code of a training step and of scoring, compiled for an NVIDIA
/// architecture, whether there is such a card or not.</summary>
internal static class BenchPtx
{
    /// <summary>The table's columns.</summary>
    public static readonly Column[] Columns =
    [
        new("kernel", 0, Text: 46), new("training", 1), new("scoring", 2), new("threads", 7), new("shared", 3),
        new("mma.sync", 4), new("cp.async", 6), new("16 bytes", 5), new("float atomics", 9), new("local", 8),
    ];

    public static Verb Create()
    {
        var sm = CommonOptions.AtLeast(50, new Option<int>("--sm")
        {
            Description = "The architecture: 75 (Turing), 80 (Ampere), 90 (Hopper) …",
            HelpName = "N",
            DefaultValueFactory = _ => 90,
        });
        var folder = new Option<string?>("--output", "-o")
        {
            Description = "Also write each kernel's PTX text into this folder.",
            HelpName = "FOLDER",
        };
        var verb = new Verb("ptx",
            "Compiles the GPU kernels of a training step (paper, unless --preset says otherwise) and of scoring for "
                + "an NVIDIA card, and shows how often each is launched and what its code holds. No GPU is needed.",
            "mlffad bench ptx", "mlffad bench ptx --sm 80 --precision tf32 -o ptx")
        { sm, CommonOptions.Precision, folder, CommonOptions.Json };
        var options = new PresetOptions(verb, "train.batch");
        verb.SetAction(parse =>
        {
            var config = options.ForBench(parse);
            var rows = Compile(config, parse.GetValue(sm), parse.GetValue(CommonOptions.Precision));
            Print(parse.InvocationConfiguration.Output, rows);
            if (parse.GetValue(CommonOptions.Json) is { } path) AtomicFile.WriteText(path, Json(rows));
            if (parse.GetValue(folder) is not { } to) return;
            Directory.CreateDirectory(to);
            foreach (var row in rows) AtomicFile.WriteText(Path.Combine(to, row.File), row.Text);
        });
        return verb;
    }

    /// <summary>A kernel's code in numbers.</summary>
    /// <param name="Name">Its name and body.</param>
    /// <param name="File">The name of its PTX file.</param>
    /// <param name="Text">Its PTX.</param>
    /// <param name="Group">Threads in a group.</param>
    /// <param name="DeclaredBytes">Shared memory it declares.</param>
    /// <param name="SharedBytes">Shared memory it takes.</param>
    /// <param name="Training">Launches in a training step.</param>
    /// <param name="Scoring">Launches in scoring a batch.</param>
    public sealed record KernelFigures(string Name, string File, string Text, int Group, int DeclaredBytes,
        int SharedBytes, long Training, long Scoring)
    {
        /// <summary>Products on tensor cores.</summary>
        public int TensorProducts => Count(@"mma\.sync");

        /// <summary>Copies that pass the registers by.</summary>
        public int Copies => Count(@"cp\.async\.c");

        /// <summary>Loads and stores of 16 bytes.</summary>
        public int Vectors => Count(@"(ld|st)\.global\.v4");

        /// <summary>Additions of floats whose order is nobody's.</summary>
        public int FloatAtomics => Count(@"\b(atom|red)\.\S*f(16|32|64)");

        /// <summary>Accesses to memory of a thread's own, which ought to be registers.</summary>
        public int Local => Count(@"(ld|st)\.local");

        private int Count(string pattern) => Regex.Count(Text, pattern);
    }

    /// <summary>Measures peaks, takes two training steps and scores a batch on a device that only compiles.</summary>
    public static IReadOnlyList<KernelFigures> Compile(Config config, int sm, Precision precision)
    {
        using var device = Device.OpenCompiler(sm, precision);
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), config.Train.Seed);
        Dictionary<CompiledKernel, long> Launches() => device.CompiledKernels.ToDictionary(k => k, k => k.Launches);
        Dictionary<CompiledKernel, long> before, training, planned;
        using (var meter = new PeakMeter(device)) meter.Measure();
        before = training = [];
        if (config.HasNetwork)   // a memory does not train
        {
            var network = config.NetworkAlone;
            using var parameters =
                new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(network), config.Train.Seed));
            using var step = new TrainingStep(network, parameters, config.Train.Batch);
            var feed = BenchCommand.Feed(step, network, device);
            step.Run(feed(), config.Train.Lr);
            var second = feed();
            // The second step is like all that follow.
            before = Launches();
            step.Run(second, config.Train.Lr);
            training = Launches();
        }
        using (var plan = Planner.Plan(config, weights, device,
            new Shape(config.Train.Batch, config.ImageSize, config.ImageSize, 3), MlffNetwork.Scores(config)))
        {
            planned = Launches();
            plan.Run();
        }
        return [
            .. device.CompiledKernels.Select((k, i) => RowOf(k, i,
                training.GetValueOrDefault(k) - before.GetValueOrDefault(k), k.Launches - planned.GetValueOrDefault(k)))
                .OrderByDescending(r => r.Training)];
    }

    private static KernelFigures RowOf(CompiledKernel k, int i, long training, long scoring)
    {
        string text = k.Ptx!;
        int shared = Regex.Matches(text, @"\.shared .*\[(\d+)\]")
            .Sum(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));
        return new KernelFigures(Name: $"{k.Name}: {k.Body}",
            File: string.Create(CultureInfo.InvariantCulture, $"{i:00}-{k.Name}.ptx"), Text: text, Group: k.Group,
            DeclaredBytes: k.SharedBytes, SharedBytes: shared, Training: training, Scoring: scoring);
    }

    private static void Print(TextWriter output, IReadOnlyList<KernelFigures> rows)
    {
        static string Text(long n) => n == 0 ? "" : n.ToString(CultureInfo.InvariantCulture);
        Tables.Write(output, Columns,
        [
            .. rows.Select(r => (string[])
            [
                r.Name, Text(r.Training), Text(r.Scoring), Text(r.Group), Text(r.SharedBytes), Text(r.TensorProducts),
                Text(r.Copies), Text(r.Vectors), Text(r.FloatAtomics), Text(r.Local),
            ]),
            ["all", Text(rows.Sum(r => r.Training)), Text(rows.Sum(r => r.Scoring)), "", "", "", "", "", "", ""],
        ], sums: true);
    }

    private static string Json(IReadOnlyList<KernelFigures> rows) =>
        System.Text.Json.JsonSerializer.Serialize(
            rows.Select(r => new
            {
                r.Name,
                r.File,
                r.Group,
                r.DeclaredBytes,
                r.SharedBytes,
                r.Training,
                r.Scoring,
                r.TensorProducts,
                r.Copies,
                r.Vectors,
                r.FloatAtomics,
                r.Local
            }), Options);

    private static readonly System.Text.Json.JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.CamelCase,
    };
}
