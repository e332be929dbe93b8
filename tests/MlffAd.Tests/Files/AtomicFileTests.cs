using System.Diagnostics;
using System.Net.Sockets;
using static System.StringComparison;

namespace MlffAd.Tests.Files;

/// <summary>A file is written whole or not at all, and whatever lies in its place is treated as what it is.</summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    private string Target => Path.Combine(_folder, "model");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AFailedWriteLeavesTheOldFileAndNoTemporary()
    {
        AtomicFile.WriteText(Target, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(Target, stream =>
        {
            stream.Write("half"u8);
            throw new InvalidOperationException();
        }));
        using (var file = AtomicFile.Create(Target)) file.Stream.Write("half"u8);
        Assert.Equal("old", File.ReadAllText(Target));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData("/nowhere/at/all/model")]
    [InlineData("/dev/null/model")]
    [InlineData("/")]
    public void APlaceThatTakesNoFilesIsAnOutputErrorThatNamesIt(string path)
    {
        foreach (var write in new Action[] { () => AtomicFile.WriteText(path, "x"),
            () => AtomicFile.RequireWritable(path) })
        {
            var e = Assert.Throws<MlffAdException>(write);
            Assert.Equal(ExitCode.Output, e.Code);
            Assert.Contains($"'{path}'", e.Message, Ordinal);
        }
    }

    [Fact]
    public void ALinkIsFollowedAndStays()
    {
        string link = Link("link", Link("other", Target));
        AtomicFile.WriteText(link, "first");     // to where it leads, though nothing is there
        AtomicFile.WriteText(link, "second");
        Assert.Equal("second", File.ReadAllText(Target));
        Assert.NotNull(new FileInfo(link).LinkTarget);
        Assert.Equal(3, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void ALinkUnderATemporaryNameIsNeverFollowed()
    {
        string bystander = Path.Combine(_folder, "bystander");
        File.WriteAllText(bystander, "whole");
        string left = Link("model.0123456789abcdef.tmp", bystander);
        File.SetLastWriteTimeUtc(bystander, DateTime.UtcNow.AddDays(-1));
        Link($"model.{Environment.ProcessId}.tmp", bystander);
        AtomicFile.WriteText(Target, "new");
        Assert.Equal("whole", File.ReadAllText(bystander));
        Assert.NotNull(new FileInfo(left).LinkTarget);
    }

    [Fact]
    public void WhatAKilledProcessLeftIsRemovedAfterAnHourUnlessItIsBeingWritten()
    {
        string old = Left("model.aaaaaaaaaaaaaaaa.tmp", hours: 2),
        fresh = Left("model.bbbbbbbbbbbbbbbb.tmp", hours: 0.5),
            locked = Left("model.cccccccccccccccc.tmp", hours: 2),
            others = Left("model2.aaaaaaaaaaaaaaaa.tmp", hours: 2),
            mine = Left("model.originalversion1.tmp", hours: 2);
        using (new FileStream(locked, FileMode.Open, FileAccess.Read, FileShare.None)) AtomicFile.WriteText(Target,
            "new");
        Assert.Equal([false, true, true, true, true], new[] { old, fresh, locked, others, mine }.Select(File.Exists));
    }

    [Fact]
    public void TheTemporaryFileIsLockedWhileItIsWritten()
    {
        using var file = AtomicFile.Create(Target);
        string temporary = Assert.Single(Directory.GetFiles(_folder));
        Assert.StartsWith("model.", Path.GetFileName(temporary), Ordinal);
        Assert.EndsWith(".tmp", temporary, Ordinal);
        Assert.Throws<IOException>(() => new FileStream(temporary, FileMode.Open, FileAccess.Read, FileShare.None)
            .Dispose());
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserRead)]
    [InlineData((UnixFileMode)0b110_110_110)]
    public void RightsAndOwnerSurvive(UnixFileMode mode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Rights are others here.");
        if (OperatingSystem.IsWindows()) return;
        File.WriteAllText(Target, "old");
        File.SetUnixFileMode(Target, mode);
        bool given =
            Environment.IsPrivilegedProcess && OperatingSystem.IsLinux() && Ran("chown", "12345:54321", Target);
        AtomicFile.WriteText(Target, "new");
        Assert.Equal(mode, File.GetUnixFileMode(Target));
        if (given) Assert.True(FileStatus.Of(Target) is { User: 12345, Group: 54321 });
    }

    [Fact]
    public void ADeviceIsWrittenToAndASocketRefused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There are none in folders here.");
        AtomicFile.RequireWritable("/dev/null");
        AtomicFile.WriteText("/dev/null", "gone");
        Assert.True(FileStatus.Of("/dev/null") is { IsStream: true });
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Target));
        Assert.Contains("It is a disk or a socket",
            Assert.Throws<MlffAdException>(() => AtomicFile.WriteText(Target, "x")).Message, Ordinal);
        Assert.True(FileStatus.Of(Target) is { IsSpecial: true });
    }

    [Fact]
    public void AFileInSharedMemoryIsAFile()
    {
        Assert.SkipUnless(Directory.Exists("/dev/shm"), "There is no /dev/shm here.");
        string path = $"/dev/shm/mlffad-{Guid.NewGuid():N}";
        AtomicFile.WriteText(path, "first");
        AtomicFile.WriteText(path, "second");
        Assert.Equal("second", File.ReadAllText(path));
        File.Delete(path);
    }

    [Fact]
    public void ANameAsLongAsTheSystemTakesIsWritten()
    {
        string path = Path.Combine(_folder, new string('n', 251) + ".png");
        AtomicFile.WriteText(path, "x");
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task APipeIsWrittenTo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Ran("mkfifo", Target), "There are none in folders here.");
        AtomicFile.RequireWritable(Target);   // does not open it
        var stop = TestContext.Current.CancellationToken;
        var read = Task.Run(() => File.ReadAllText(Target), stop);
        await Task.Run(() => AtomicFile.WriteText(Target, "through"), stop).WaitAsync(TimeSpan.FromSeconds(30), stop);
        Assert.Equal("through", await read.WaitAsync(TimeSpan.FromSeconds(30), stop));
        Assert.True(FileStatus.Of(Target) is { IsStream: true });
    }

    private string Left(string name, double hours)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, "half");
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-hours));
        return path;
    }

    private string Link(string name, string target)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "To link takes rights here.");
        string link = Path.Combine(_folder, name);
        File.CreateSymbolicLink(link, target);
        return link;
    }

    private static bool Ran(string program, params string[] words)
    {
        using var run = Process.Start(program, words);
        run.WaitForExit();
        return run.ExitCode == 0;
    }
}
