using System.CommandLine;
using System.Runtime.InteropServices;
using MlffAd.CommandLine;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad bench threads</c>: what more threads bring to a training step, beside what they bring to a loop
/// that never leaves the registers.</summary>
internal static class BenchThreads
{
    public static Verb Create()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds")
        {
            Description = "How often each step is timed; medians are shown.",
            HelpName = "N",
            DefaultValueFactory = _ => 5,
        });
        var verb = new Verb("threads",
            "Times a training step (paper, unless --preset says otherwise) with one thread and with all, interleaved, "
                + "and beside them the processor's multiply-add peak. Weights must come out the same. Both are kept "
                + "in memory.", "mlffad bench threads", "mlffad bench threads --preset fast --batch 8 --rounds 9")
        { rounds, CommonOptions.Threads };
        var options = new PresetOptions(verb, "train.batch");
        verb.SetAction(parse =>
        {
            var config = options.ForTrainingBench(parse, "take another preset, such as fast");
            return Run(config, parse.GetValue(CommonOptions.Threads), parse.GetValue(rounds),
                parse.InvocationConfiguration.Output);
        });
        return verb;
    }

    private static int Run(Config config, int threads, int rounds, TextWriter output)
    {
        using Contestant one = new(config, 1), all = new(config, threads);
        for (int round = -1; round < rounds; round++)   // the first compiles and warms up
            foreach (var contestant in new[] { one, all }) contestant.Step(counts: round >= 0);
        double steps = Timing.Median(one.Seconds.Zip(all.Seconds, (a, b) => a / b));
        double peaks = Timing.Median(one.Peaks.Zip(all.Peaks, (a, b) => b / a));
        foreach (var c in new[] { one, all })
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{BenchCommand.Threads(c.Device),-9}  step of {config.Train.Batch} images "
                    + $"{Timing.Median(c.Seconds) * 1e3,7:0} ms  peak {Timing.Median(c.Peaks),6:0.0} GFLOP/s  memory "
                    + $"{c.Device.Pool.AllocatedBytes / 1e9:0.00} GB"));
        bool same = one.Weights.SequenceEqual(all.Weights);
        string weights = same ? "the same bytes" : "DIFFERENT";
        Tables.WriteLine(output, string.Create(CultureInfo.InvariantCulture,
            $"The step becomes {steps:0.00} times as fast, the peak {peaks:0.00}: {steps / peaks:0.00} of it. "
            + $"Weights after {rounds + 1} steps: {weights}."));
        return (int)(same ? ExitCode.Success : ExitCode.Defect);
    }

    /// <summary>A network in training on one device, and its times.</summary>
    private sealed class Contestant : IDisposable
    {
        private readonly Config _config;
        private readonly Parameters _parameters;
        private readonly TrainingStep _step;
        private readonly float[] _images, _labels;

        public Contestant(Config config, int threads)
        {
            Device = Device.Open("cpu", threads);
            _config = config;
            _parameters = new Parameters(Device,
                Initialisation.Random(MlffNetwork.Parameters(config), config.Train.Seed));
            _step = new TrainingStep(config, _parameters, config.Train.Batch);
            (_images, _labels) = BenchCommand.Batch(config);
        }

        public Device Device { get; }

        public List<double> Seconds { get; } = [];

        public List<double> Peaks { get; } = [];

        public ReadOnlySpan<byte> Weights => MemoryMarshal.AsBytes(_parameters.Weights.ToArray().AsSpan());

        private void Run()
        {
            if (!_step.Run(_images, _labels, _config.Train.Lr).IsFinite)
                throw new MlffAdException(ExitCode.Diverged,
                    "The steps diverged, so their weights tell nothing; take a smaller --set train.lr=RATE.");
        }

        public void Step(bool counts)
        {
            double peak = FmaPeak.Measure(Device.Team), seconds = Timing.SecondsPerCall(Run, TimeSpan.Zero);
            if (!counts) return;
            Peaks.Add(peak);
            Seconds.Add(seconds);
        }

        public void Dispose()
        {
            _step.Dispose();
            _parameters.Dispose();
            Device.Dispose();
        }
    }
}
