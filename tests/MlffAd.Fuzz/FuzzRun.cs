using System.Diagnostics;

namespace MlffAd.Fuzz;

/// <summary>Mutants of some formats in turn, until there were enough. Every fault is a find: printed, and kept in
/// <c>.cache/fuzz</c>.</summary>
internal sealed class FuzzRun(FileFormat[] formats, long seed, int threads)
{
    private const double MostSeconds = 5;
    private const long MostBytes = 1_000_000_000;

    /// <summary>What is not back by then hangs. More than the limit: the machine may be busy.</summary>
    private const double Hangs = 60;

    /// <summary>Least share of a format's mutants that gets beyond its first check: others try nothing.</summary>
    private const double LeastShare = 0.2;

    /// <summary>A share of fewer is none.</summary>
    private const int Few = 1000;

    private readonly Tally[] _tallies = [.. formats.Select(_ => new Tally())];
    private readonly Reading?[] _now = new Reading?[threads];
    private readonly Dictionary<string, int> _finds = [];
    private readonly Lock _lock = new();
    private long _next = -1;

    /// <summary>Runs; returns the exit code.</summary>
    public int For(long count, double seconds)
    {
        string folder = Directory.CreateTempSubdirectory("mlffad-fuzz").FullName;
        Console.WriteLine($"seed {seed}, threads {threads}; whatever ends the process is in {folder}");
        var clock = Stopwatch.StartNew();
        Thread[] all = [.. Enumerable.Range(0, threads).Select(i => new Thread(() => Work(i)) { IsBackground = true })];
        foreach (var thread in all) thread.Start();
        while (!Array.TrueForAll(all, thread => thread.Join(500 / threads)))
            foreach (var now in _now)
                if (now is var (format, number, began) && Stopwatch.GetElapsedTime(began).TotalSeconds > Hangs)
                {
                    Find(format, number, $"is not back after {Hangs} s");
                    return 1;
                }
        Directory.Delete(folder, recursive: true);
        return Report(clock.Elapsed.TotalSeconds);

        void Work(int thread)
        {
            string own = Directory.CreateDirectory(Path.Combine(folder, $"{thread}")).FullName;
            for (long n; clock.Elapsed.TotalSeconds < seconds && (n = Interlocked.Increment(ref _next)) < count;)
            {
                int format = (int)(n % formats.Length);
                Try(formats[format], n / formats.Length, _tallies[format], thread, own);
            }
            _now[thread] = null;
        }
    }

    /// <summary>Reads one mutant, and says what comes of it.</summary>
    public int Replay(FileFormat format, long number)
    {
        string path = Keep(format, number);
        Console.WriteLine(path);
        try { format.Read(path); }
        catch (MlffAdException e) { Console.WriteLine($"refused with {e.Code}: {e.Message}"); }
        return 0;
    }

    private void Try(FileFormat format, long number, Tally tally, int thread, string folder)
    {
        byte[] mutant = format.Mutant(seed, number);
        bool looked = false;
        try { looked = format.FirstCheck(mutant); }
        catch (IOException) { }
        string path = Path.Combine(folder, $"{format.Name}-{number}");
        File.WriteAllBytes(path, mutant);
        MlffAdException? refused = null;
        double slow = double.MaxValue;
        long bytes = 0;
        // What is slow is read again: the machine may have been busy.
        for (int left = 3; left > 0 && slow > MostSeconds; left--)
        {
            long began = Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread();
            _now[thread] = new(format, number, began);
            try { format.Read(path); }
            catch (MlffAdException e) { refused = e; }
#pragma warning disable CA1031 // What else is thrown is what is looked for.
            catch (Exception e) { Find(format, number, $"{e.GetType().Name}: {e.Message}", Place(e)); }
#pragma warning restore CA1031
            slow = Math.Min(slow, Stopwatch.GetElapsedTime(began).TotalSeconds);
            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        File.Delete(path);
        if (slow > MostSeconds) Find(format, number, $"took {slow:0.0} s");
        if (bytes > MostBytes) Find(format, number, $"took {bytes} bytes of memory");
        if (refused is not null && Fault(refused, format, path) is { } fault)
            Find(format, number, $"{fault}: {refused.Message}", fault);
        lock (_lock)
        {
            tally.Mutants++;
            if (looked) tally.Looked++;
            if (refused is null) tally.Accepted++;
            else tally.Refused++;
            (tally.Slowest, tally.MostBytes) = (Math.Max(tally.Slowest, slow), Math.Max(tally.MostBytes, bytes));
        }
    }

    /// <summary>What is wrong with a message; null for nothing.</summary>
    private static string? Fault(MlffAdException e, FileFormat format, string path) =>
        e.Code != format.Refusal && e.Code != ExitCode.Usage ? $"was refused with {e.Code}, not {format.Refusal}"
        : e.Message.Length > 1000 ? "was refused with more than 1000 letters"
        : e.Message.Any(char.IsControl) ? "was refused in words with signs that steer a terminal"
        : format.Refusal == ExitCode.Usage || e.Message.Contains(path, StringComparison.Ordinal) ? null
        : "was refused without its name";

    /// <summary>Prints a find and keeps the mutant; of the same kind the first three, the others are counted.</summary>
    private void Find(FileFormat format, long number, string what, string? kind = null)
    {
        lock (_lock)
        {
            kind = $"{format.Name}: {kind ?? what}";
            _finds[kind] = _finds.GetValueOrDefault(kind) + 1;
            if (_finds[kind] > 3) return;
            Console.WriteLine($"FIND {Keep(format, number)}: {what}");
            Console.WriteLine($"     {kind}; --replay {format.Name} {number} --seed {seed}");
        }
    }

    private string Keep(FileFormat format, long number)
    {
        string folder = Directory.CreateDirectory(".cache/fuzz").FullName;
        string path = Path.Combine(folder, $"{format.Name}-{seed}-{number}");
        File.WriteAllBytes(path, format.Mutant(seed, number));
        return path;
    }

    /// <summary>The first of our methods on the way to an exception.</summary>
    private static string Place(Exception e)
    {
        string[] frames = [.. (e.StackTrace ?? "").Split('\n').Select(line => line.Trim().Split(" in ")[0])];
        string? ours = Array.Find(frames, frame => frame.Contains("MlffAd.", StringComparison.Ordinal));
        return $"{e.GetType().Name} {frames[0]}, {ours}";
    }

    private int Report(double seconds)
    {
        Console.WriteLine("format     mutants looked at  accepted   refused slowest s   most MB");
        bool enough = true;
        foreach (var (format, t) in formats.Zip(_tallies))
        {
            Console.WriteLine($"{format.Name,-8} {t.Mutants,9} {t.Share,9:P1} {t.Accepted,9} {t.Refused,9} "
                + $"{t.Slowest,9:0.00} {t.MostBytes / 1e6,9:0.0}");
            if (t.Mutants < Few || t.Share >= LeastShare) continue;
            Console.WriteLine($"FIND: fewer than {LeastShare:P0} of {format.Name}'s mutants pass its first check");
            enough = false;
        }
        foreach (var (kind, times) in _finds) Console.WriteLine($"FIND, {times} times: {kind}");
        Console.WriteLine($"{_tallies.Sum(t => t.Mutants)} mutants in {seconds:0} s, {_finds.Values.Sum()} finds");
        return enough && _finds.Count == 0 ? 0 : 1;
    }

    /// <summary>What a thread reads, and since when.</summary>
    private sealed record Reading(FileFormat Format, long Number, long Began);
}
