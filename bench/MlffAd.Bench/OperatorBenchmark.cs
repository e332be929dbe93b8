using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace MlffAd.Bench;

/// <summary>The benchmark, parameterised by the case; runs in-process, on one device.</summary>
/// <remarks>BenchmarkDotNet chooses the number of calls, warms up and removes outliers. Peaks are measured before and
/// after each case, so that other processes slow both alike.</remarks>
public class OperatorBenchmark
{
    private static IReadOnlyList<OperatorCase> _cases = [];
    private static Device _device = null!;
    private static PeakMeter _meter = null!;
    private static Action<int> _progress = _ => { };
    private static readonly Dictionary<OperatorCase, OperatorRow> Rows = [];

    private readonly List<PeakRates> _rates = [];
    private OperatorRun _run = null!;

    /// <summary>The case to time.</summary>
    [ParamsSource(nameof(Cases))]
    public OperatorCase Case { get; set; } = null!;

    /// <summary>All cases of the run.</summary>
    public static IEnumerable<OperatorCase> Cases => _cases;

    /// <summary>Times the cases.</summary>
    /// <param name="device">Device to run on.</param>
    /// <param name="cases">Cases to time.</param>
    /// <param name="progress">Called with the number of cases begun.</param>
    internal static IReadOnlyList<OperatorRow> Time(Device device, IReadOnlyList<OperatorCase> cases,
        Action<int> progress)
    {
        (_device, _cases, _progress) = (device, cases, progress);
        Rows.Clear();
        var folder = Directory.CreateTempSubdirectory();
        var log = new ErrorLog();
        var job = new Job().WithToolchain(InProcessEmitToolchain.Instance).WithUnrollFactor(1)
            .WithEvaluateOverhead(false)
            .WithIterationTime(TimeInterval.FromMilliseconds(30)).WithWarmupCount(1).WithIterationCount(9);
        var config =
            ManualConfig.CreateEmpty().AddJob(job).AddLogger(log).AddColumnProvider(DefaultColumnProviders.Params)
            .WithArtifactsPath(folder.FullName)
                .WithOptions(ConfigOptions.DisableLogFile | ConfigOptions.KeepBenchmarkFiles);
        try
        {
            using (_meter = new PeakMeter(device))
            {
                var reports = BenchmarkRunner.Run<OperatorBenchmark>(config).Reports
                    .ToDictionary(r => (OperatorCase)r.BenchmarkCase.Parameters[nameof(Case)]);
                return [.. cases.Select(c => reports.TryGetValue(c, out var report)
                    && report.ResultStatistics is { } time
                    ? Rows[c] with { Seconds = time.Median / 1e9 }
                    : throw new InvalidOperationException($"{c} was not timed: {log.GetLog()}"))];
            }
        }
        finally { folder.Delete(recursive: true); }
    }

    /// <summary>Measures the peaks and makes the operands.</summary>
    [GlobalSetup]
    public void Begin()
    {
        _progress(Rows.Count);
        _rates.Add(_meter.Measure());
        _run = new OperatorRun(_device, Case, StreamPeak.ArrayBytes);
    }

    /// <summary>The call.</summary>
    [Benchmark]
    public void Call() => _run.Call();

    /// <summary>Measures the peaks again.</summary>
    [GlobalCleanup]
    public void End()
    {
        _run.Dispose();
        _rates.Add(_meter.Measure());
        double Median(Func<PeakRates, double> of) => Timing.Median(_rates.Select(of));
        Rows[Case] = new OperatorRow(Case, _run.Kernels, new(Median(r => r.Fma), Median(r => r.Product),
            new(Median(r => r.Stream.Read), Median(r => r.Stream.Copy), Median(r => r.Stream.CopyPast))));
    }

    /// <summary>Keeps errors only.</summary>
    private sealed class ErrorLog : AccumulationLogger
    {
        public override void Write(LogKind kind, string text)
        {
            if (kind == LogKind.Error) base.Write(kind, text);
        }
    }
}
