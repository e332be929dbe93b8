using MlffAd.Reporting;
using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>What an interrupted or another training left is never lost without being asked for.</summary>
public sealed class TrainingAgainTests : IDisposable
{
    private readonly MemoryFolder _folder = new(images: 10);

    private TrainingRequest Request =>
        new(_folder.Parts, _folder.In("m.mlffad"), EarlierBytesTests.SmallConfig("baseline"))
        {
            Weights = "none",
            MaxImages = 12,
        };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AFreshTrainingOverAnInterruptedOneIsRefusedUnlessItIsMeant()
    {
        Train(Request, stopAt: 1);
        byte[] state = File.ReadAllBytes(Request.StatePath);
        var e = Fails(Request, ExitCode.Usage);
        Assert.Contains($"--resume '{Request.StatePath}'", e.Message, Ordinal);
        Assert.Contains("--restart", e.Message, Ordinal);
        // Nor by a memory of that name, nor by what goes on from another state.
        Assert.Equal(ExitCode.Usage, Assert.Throws<MlffAdException>(() => MemoryFolder.Make(_folder.Request())).Code);
        File.Copy(Request.StatePath, _folder.In("other.state"));
        Fails(Request with { Resume = _folder.In("other.state") }, ExitCode.Usage);
        Assert.Equal(state, File.ReadAllBytes(Request.StatePath));

        Train(Request with { Restart = true });
        Assert.False(File.Exists(Request.StatePath));
    }

    [Fact]
    public void AMemoryThatIsMeantRemovesWhatTheNetworkLeft()
    {
        Train(Request, stopAt: 1);
        MemoryFolder.Make(_folder.Request() with { Restart = true });
        Assert.Equal(["m.mlffad", "m.mlffad.log.jsonl"], Written());
    }

    [Fact]
    public void TheSecondTrainingOfAModelSaysWhoTrains()
    {
        MlffAdException? second = null, memory = null;
        Train(Request, onStep: p =>
        {
            if (p.Step != 1) return;
            second = Assert.Throws<MlffAdException>(() => Train(Request with { Restart = true }));
            memory = Assert.Throws<MlffAdException>(() => MemoryFolder.Make(_folder.Request()));
            Assert.True(File.Exists(Request.StatePath));
        });
        foreach (var e in new[] { second!, memory! })
        {
            Assert.Equal(ExitCode.Output, e.Code);
            Assert.Contains($"is being trained by process {Environment.ProcessId} on {Environment.MachineName}, since ",
                e.Message, Ordinal);
        }
        Assert.Equal(["m.mlffad", "m.mlffad.log.jsonl"], Written());
    }

    [Fact]
    public void ALockThatAKilledTrainingLeftHoldsNobodyUp()
    {
        File.WriteAllText(Request.Output + ".lock", "process 1 on elsewhere, since 2020-01-01 00:00:00 UTC (x)");
        Train(Request);
        Assert.Equal(["m.mlffad", "m.mlffad.log.jsonl"], Written());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFileThatIsNoLockIsNotWrittenOver(bool linked)
    {
        string precious = _folder.In("precious"), path = Request.Output + ".lock";
        File.WriteAllText(linked ? precious : path, "of somebody else");
        if (linked) File.CreateSymbolicLink(path, precious);
        Assert.Contains("is no lock of a training", Fails(Request, ExitCode.Output).Message, Ordinal);
        Assert.Equal("of somebody else", File.ReadAllText(path));
    }

    [Fact]
    public void AStateIsKnownHoweverItIsWritten()
    {
        Train(Request, stopAt: 1);
        string folder = Path.GetDirectoryName(Request.StatePath)!;
        Train(Request with { Resume = Path.Combine(folder, "parts", "..", "m.mlffad.state") });
        Assert.False(File.Exists(Request.StatePath));
    }

    [Fact]
    public void TheModelOfALinkIsNoOther()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "To link takes rights here.");
        Train(Request, stopAt: 1);
        File.WriteAllText(Request.Output, "");
        File.CreateSymbolicLink(_folder.In("link.mlffad"), Request.Output);
        Fails(Request with { Output = _folder.In("link.mlffad") }, ExitCode.Usage);
    }

    [Fact]
    public void TheLogOfTheModelThatStandsSurvivesUntilTheNewOneReplacesIt()
    {
        Train(Request with { MaxImages = 8 });
        var before = TrainingLog.Losses(Request.LogPath);
        Train(Request, stopAt: 1);
        Assert.Equal(before, TrainingLog.Losses(Request.LogPath));
        Train(Request with { Resume = Request.StatePath }, stopAt: 2);
        Assert.Equal(before, TrainingLog.Losses(Request.LogPath));
        Train(Request with { Resume = Request.StatePath });
        Assert.Equal([1L, 2L, 3L], TrainingLog.Losses(Request.LogPath).Select(p => p.Step));
        Assert.Equal(["m.mlffad", "m.mlffad.log.jsonl"], Written());
    }

    /// <summary>Earlier versions wrote the log of an unfinished training where the model's lies.</summary>
    [Fact]
    public void TheLogOfAStateOfAnEarlierVersionGoesOn()
    {
        Train(Request, stopAt: 2);
        File.Move(Request.StateLogPath, Request.LogPath);
        Train(Request with { Resume = Request.StatePath });
        Assert.Equal([1L, 2L, 3L], TrainingLog.Losses(Request.LogPath).Select(p => p.Step));
    }

    [Fact]
    public void ALogThatCannotBeWrittenCostsAWarning()
    {
        Directory.CreateDirectory(Request.StateLogPath);
        var said = new List<string>();
        Train(Request, said: said);
        Assert.True(File.Exists(Request.Output));
        Assert.Contains(said, line => line.Contains($"The log '{Request.StateLogPath}' cannot be written", Ordinal));
    }

    private string[] Written() =>
        [.. Directory.GetFiles(Path.GetDirectoryName(Request.Output)!).Select(f => Path.GetFileName(f)!)
            .Order(StringComparer.Ordinal)];

    private static void Train(TrainingRequest request, int stopAt = 0, Action<TrainingProgress>? onStep = null,
        List<string>? said = null)
    {
        using var device = Device.Open("cpu", threads: 1);
        using var stop = new CancellationTokenSource();
        Trainer.Train(request, device, line => said?.Add(line), p =>
        {
            onStep?.Invoke(p);
            if (p.Step == stopAt) stop.Cancel();
        }, stop.Token);
    }

    private static MlffAdException Fails(TrainingRequest request, ExitCode code)
    {
        var e = Assert.Throws<MlffAdException>(() => Train(request));
        Assert.Equal(code, e.Code);
        return e;
    }
}
