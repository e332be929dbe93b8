using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace MlffAd.Training;

/// <summary>Where the making of a memory stands.</summary>
/// <param name="Phase">What is being done, in words.</param>
/// <param name="Done">Images, or vectors, of this phase that are done.</param>
/// <param name="All">Those that there are.</param>
/// <param name="Share">Share of the whole, 0…1, by time.</param>
/// <param name="Remaining">Estimate of the time left; null until a first part of the work has been timed.</param>
public sealed record MemoryProgress(string Phase, long Done, long All, double Share, TimeSpan? Remaining);

/// <summary>The phases of making a memory: what each is expected to take, what it took, and a line of the log for
/// it.</summary>
internal sealed class MemoryPhases(Action<MemoryProgress>? onProgress)
{
    /// <summary>The phases.</summary>
    public const string Trying = "trying numbers", Reading = "reading good parts",
        Choosing = "choosing what to remember",
        Judging = "judging good parts",
        Comparing = "comparing good parts";

    /// <summary>How many of all pairs of candidate and choice the choice compares, about, by products.</summary>
    public const double ChoosingShare = 0.5;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, double> _expected = [];   // seconds
    private readonly StringBuilder _log = new();
    private string _phase = "";
    private double _began, _past;
    private long _done, _all;

    /// <summary>Time since the beginning.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>What is done of the present phase.</summary>
    public long Done => _done;

    /// <summary>What there is to do in it.</summary>
    public long All => _all;

    /// <summary>Seconds of one image, or vector, of the present phase so far.</summary>
    public double SecondsOfOne => _done > 0 ? InPhase / _done : 0;

    /// <summary>The log's lines so far.</summary>
    public string Log => _log.ToString();

    /// <summary>Says what a phase that is to come will take.</summary>
    public void Expect(string phase, double seconds) => _expected[phase] = seconds;

    /// <summary>Begins a phase, and ends the one before.</summary>
    public void Begin(string phase, long all)
    {
        End();
        (_phase, _began, _done, _all) = (phase, _clock.Elapsed.TotalSeconds, 0, all);
        Report();
    }

    /// <summary>Says that more of the phase is done.</summary>
    public void Advance(long done)
    {
        _done = done;
        if (done > 0) _expected[_phase] = InPhase * _all / done;
        Report();
    }

    /// <summary>Seconds of the present phase so far.</summary>
    public double InPhase => _clock.Elapsed.TotalSeconds - _began;

    /// <summary>Ends the last phase; the log's last line has the whole.</summary>
    public void Finish(long images)
    {
        End();
        double seconds = _clock.Elapsed.TotalSeconds;
        Line(("phase", "all"), ("images", images), ("seconds", Math.Round(seconds, 3)),
            ("imagesPerSecond", Math.Round(images / seconds, 3)));
    }

    private void End()
    {
        if (_phase.Length == 0) return;
        Line(("phase", _phase), ("done", _done), ("seconds", Math.Round(InPhase, 3)));
        _past += InPhase;
        _expected.Remove(_phase);
        _phase = "";
    }

    private void Report()
    {
        double left = _expected.Values.Sum() - (_expected.ContainsKey(_phase) ? InPhase : 0), past = _past + InPhase;
        bool isKnown = _expected.Count > 0;
        onProgress?.Invoke(new(_phase, _done, _all, isKnown ? past / (past + Math.Max(0, left)) : 0,
            isKnown ? TimeSpan.FromSeconds(Math.Max(0, left)) : null));
    }

    private void Line(params ReadOnlySpan<(string Name, object Value)> fields)
    {
        string separator = "{";
        foreach (var (name, value) in fields)
        {
            string text = value is string s ? $"\"{JsonEncodedText.Encode(s)}\""
                : Convert.ToString(value, CultureInfo.InvariantCulture)!;
            _log.Append(CultureInfo.InvariantCulture, $"{separator}\"{name}\":{text}");
            separator = ",";
        }
        _log.Append("}\n");
    }
}
