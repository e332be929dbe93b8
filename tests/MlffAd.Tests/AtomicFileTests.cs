using MlffAd.Files;
using Xunit;

namespace MlffAd.Tests;

public sealed class AtomicFileTests
{
    [Fact]
    public void AFailedWriteLeavesTheOldFileAndNoTemporary()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        string path = Path.Combine(folder, "model");
        AtomicFile.WriteText(path, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("half"u8);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void AMissingFolderIsAnOutputErrorThatNamesTheFile()
    {
        var e = Assert.Throws<MlffAdException>(() => AtomicFile.WriteText("/nowhere/at/all/model", "x"));
        Assert.Equal(ExitCode.Output, e.Code);
        Assert.Contains("/nowhere/at/all/model", e.Message, StringComparison.Ordinal);
    }
}
