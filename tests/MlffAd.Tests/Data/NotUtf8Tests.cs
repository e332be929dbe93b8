using System.Diagnostics;

namespace MlffAd.Tests.Data;

/// <summary>Names whose bytes are not UTF-8, which cannot be opened: such images are named, with what to do.</summary>
public sealed class NotUtf8Tests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlffad").FullName;

    [Theory]
    [InlineData(@"caf\351.png")]
    [InlineData(@"\377\376.JPG")]
    [InlineData(@"\344.heic")]
    [InlineData(@"b\344ren")]
    [InlineData(@"sub/\200.tif")]
    public void AnImageIsPassedOver(string name)
    {
        Make("good.png", name);
        var found = FoundImages.Of([_folder]);
        Assert.Single(found.Images);
        Assert.Equal("its name is not UTF-8; rename it", Assert.Single(found.PassedOver).Why);
    }

    [Theory]
    [InlineData(@"r\351sum\351.txt")]
    [InlineData(@"\377.csv")]
    public void WhatIsNoImageIsNot(string name)
    {
        Make("good.png", name);
        Assert.Empty(FoundImages.Of([_folder]).PassedOver);
    }

    [Theory]
    [InlineData(@"b\344ren/a.png", "b\uFFFDren")]
    [InlineData(@"sub/\377/deep/a.png", "sub/\uFFFD")]
    public void AFolderIsPassedOverToo(string name, string said)
    {
        Make("good.png", name);
        var found = FoundImages.Of([_folder]);
        Assert.Single(found.Images);
        Assert.EndsWith(said, Assert.Single(found.PassedOver).Name, StringComparison.Ordinal);
    }

    [Fact]
    public void SoIsAKindOfDefect()
    {
        Make("train/good/1.png", "test/good/2.png", @"test/br\374che/3.png");
        Assert.Equal("1 image is passed over: 'test/br\uFFFDche'; rename it.", DataSet.Open(_folder).Caution);
    }

    [Fact]
    public void TheirNumberIsSaidWithWhatToDo()
    {
        Make("good.png", @"a\351.png", @"b\351.png");
        Assert.EndsWith("; rename them.",
            PassedImage.Caution(FoundImages.Of([_folder]).PassedOver), StringComparison.Ordinal);
    }

    /// <summary>Files that the shell makes: this program cannot.</summary>
    private void Make(params string[] names)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has names of any bytes.");
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        string made = string.Concat(names.Select(name =>
            $"f=\"$(printf '{name}')\"; mkdir -p \"$(dirname \"$f\")\"; touch \"$f\"\n"));
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", made]) { WorkingDirectory = _folder })!;
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    public void Dispose()
    {
        // What the program cannot name the shell removes.
        using var shell = Process.Start(new ProcessStartInfo("rm", ["-rf", _folder]))!;
        shell.WaitForExit();
    }
}
