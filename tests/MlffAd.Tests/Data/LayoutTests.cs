using MlffAd.Tests.CommandLine;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>What is learnt from are good parts, or it is refused; each folder is searched once.</summary>
public sealed class LayoutTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("test")]
    [InlineData("ground_truth")]
    [InlineData("Masks")]
    [InlineData("deep/anomaly_2")]
    [InlineData("BAD")]
    [InlineData("defect")]
    [InlineData("ng")]
    [InlineData("ko")]
    [InlineData("NotOK")]
    [InlineData("not good")]
    [InlineData("cam1-defective")]
    [InlineData("def_front")]
    [InlineData("GroundTruth")]
    [InlineData("rejectedParts")]
    [InlineData("niO")]
    [InlineData("n.i.O.")]
    [InlineData("GT")]
    public void AFolderWhoseNameSaysOtherwiseIsNotLearntFrom(string name)
    {
        Touch("a.png", "b.png", $"{name}/c.png", $"{name}/d.png");
        var e = Assert.Throws<MlffAdException>(() => DataSet.Open(_folder));
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains($"'{name}' (2 images)", e.Message, Ordinal);
        Assert.Contains("--plain", e.Message, Ordinal);
        Assert.Equal(4, DataSet.Open(_folder, plain: true).Train.Count);
        Assert.Equal(4, DataSet.Find([_folder]).Count);   // to judge, any folder will do
    }

    [Theory]
    [InlineData("no_defect")]
    [InlineData("latest")]
    [InlineData("defect_free")]
    [InlineData("contest")]
    [InlineData("badge")]
    [InlineData("kodak")]
    [InlineData("NonDefective")]
    [InlineData("angle")]
    [InlineData("GT500")]
    [InlineData("free_of_defects")]
    [InlineData("2024-05")]
    public void OtherNamesAreNoMatter(string name)
    {
        Touch("a.png", $"{name}/c.png");
        Assert.Equal(2, DataSet.Open(_folder).Train.Count);
    }

    [Fact]
    public void KindsBesideGoodOnesAreNoGoodParts()
    {
        Touch("good/1.png", "broken_large/1.png", "contamination/1.png", "contamination/2.png");
        var e = Assert.Throws<MlffAdException>(() => DataSet.Open(_folder));
        Assert.Contains("'broken_large' (1 image), 'contamination' (2 images)", e.Message, Ordinal);
        foreach (string folder in new[] { "good", "broken_large", "contamination" }) Directory.Delete(
            Path.Combine(_folder, folder), true);
        Touch("line1/good/1.png", "line1/dent/1.png", "line2/1.png");
        Assert.Contains("'line1/dent' (1 image);", Assert.Throws<MlffAdException>(() => DataSet.Open(_folder))
            .Message, Ordinal);
    }

    [Fact]
    public void MasksBesidePhotographsAreNoGoodParts()
    {
        Touch("1.png", "1_mask.png", "2.png");
        Assert.Contains("'1_mask'", Assert.Throws<MlffAdException>(() => DataSet.Open(_folder)).Message, Ordinal);
        File.Delete(Path.Combine(_folder, "1.png"));
        Assert.Equal(2, DataSet.Open(_folder).Train.Count);   // a name that ends so is nothing without its photograph
    }

    [Fact]
    public void TheRootOfSeveralDataSetsNamesWhatToGive()
    {
        Touch("bottle/train/good/1.png", "bottle/test/broken/1.png", "nut/test/good/1.png", "notes/1.png");
        var e = Assert.Throws<MlffAdException>(() => DataSet.Open(_folder));
        Assert.Contains(
            $"2 data sets (bottle, nut); give one folder of good parts, such as '{Path.Combine(_folder, "bottle")}'",
            e.Message, Ordinal);
    }

    [Theory]
    [InlineData("", "candle/Data/Images/Normal")]
    [InlineData("candle", "Data/Images/Normal")]
    public void VisasLayoutNamesWhatToGive(string given, string instead)
    {
        Touch("candle/Data/Images/Normal/1.JPG", "candle/Data/Images/Anomaly/1.JPG", "candle/Data/Masks/Anomaly/1.png");
        string folder = Path.Combine(_folder, given);
        var e = Assert.Throws<MlffAdException>(() => DataSet.Open(folder));
        Assert.Contains("VisA's layout", e.Message, Ordinal);
        Assert.Contains($"'{Path.Combine(folder, instead)}'", e.Message, Ordinal);
        Assert.Single(DataSet.Open(Path.Combine(folder, instead)).Train);
    }

    [Fact]
    public void FoldersBelowThoseOfTheLayoutAreSearched()
    {
        Touch("train/good/monday/1.png", "train/good/2.png", "test/good/a/b/3.png", "test/dent/left/4.png",
            "ground_truth/dent/left/4_mask.png");
        var set = DataSet.Open(_folder);
        Assert.Equal(["train/good/2.png", "train/good/monday/1.png"], set.Train.Select(i => i.Name));
        Assert.Equal(["test/dent/left/4.png", "test/good/a/b/3.png"], set.Test.Select(i => i.Name));
        Assert.Empty(set.MissingMasks);
        Touch("train/good/ng/5.png");
        Assert.Contains("'train/good/ng' (1 image)", Assert.Throws<MlffAdException>(() => DataSet.Open(_folder))
            .Message, Ordinal);
    }

    [Fact]
    public void WhatLiesBesideTheFoldersOfTheLayoutIsSaid()
    {
        Touch("0.png", "train/good/1.png", "train/2.png", "train/maybe/3.png", "test/4.png", "test/good/5.png");
        Assert.Contains("4 images are not used, in neither train/good nor test/KIND: "
            + "'0.png', 'train/2.png', 'test/4.png', 'train/maybe/3.png'.",
            DataSet.Open(_folder).Caution, Ordinal);
    }

    [Fact]
    public void AnEmptyTestFolderMakesNoLayout()
    {
        Touch("1.png", "2.png");
        Directory.CreateDirectory(Path.Combine(_folder, "test"));
        Assert.Equal(2, DataSet.Open(_folder).Train.Count);
    }

    [Fact]
    public void GoodPartsUnderAnotherNameAreSuggested()
    {
        Touch("train/passed/1.png", "test/dent/2.png");
        var e = Assert.Throws<MlffAdException>(DataSet.Open(_folder).RequireTrain);
        Assert.Contains("if those in 'train/passed' are good, call that folder good", e.Message.Replace('\\', '/'),
            Ordinal);
    }

    [Fact]
    public void PhotographsThatShareAMaskAreSaid()
    {
        Touch("train/good/1.png", "test/dent/x.png", "test/dent/x.jpg", "ground_truth/dent/x_mask.png");
        Assert.Contains("'test/dent/x.jpg', 'test/dent/x.png' share a mask", DataSet.Open(_folder).Caution, Ordinal);
    }

    [Fact]
    public void EachFolderIsSearchedOnceWhateverLinksLeadToIt()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "To link takes rights elsewhere.");
        Touch("a/1.png", "a/b/2.png");
        Link("a/up", _folder);
        Link("a/b/same", Path.Combine(_folder, "a"));
        Link("again", Path.Combine(_folder, "a", "b"));
        Link("round", Path.Combine(_folder, "round"));
        Assert.Equal(2, DataSet.Find([_folder]).Count);
        Assert.Equal(2, DataSet.Open(_folder).Train.Count);
        using var elsewhere = new LayoutTests();
        elsewhere.Link("linked", _folder);
        Assert.Equal(2, DataSet.Find([elsewhere._folder]).Count);   // a link is followed where it is the only way
    }

    [Fact]
    public void AFolderThatMayNotBeReadIsNamedAndTheRestJudged()
    {
        Touch("1.png", "shut/2.png");
        string shut = Path.Combine(_folder, "shut");
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "Rights are others here.");
        if (OperatingSystem.IsWindows()) return;
        File.SetUnixFileMode(shut, 0);
        try
        {
            var found = FoundImages.Of([_folder]);
            Assert.Single(found.Images);
            Assert.True(Assert.Single(found.PassedOver) is { IsFolder: true, Name: var name }
                && name.EndsWith("/shut", Ordinal));
        }
        finally
        {
            File.SetUnixFileMode(shut,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void OtherFilesAreCounted()
    {
        Touch("1.png", "notes.txt", "list.csv", ".hidden.png", ".git/x.png");
        Assert.Equal("Left out: 2 that are no images, 2 hidden.", FoundImages.Of([_folder]).LeftOut);
        Assert.Contains("to test. Left out: 2 that are no images, 2 hidden.", CommandRun.Of("inspect", _folder)
            .Output, Ordinal);
    }

    private void Link(string name, string target) => Directory.CreateSymbolicLink(Path.Combine(_folder, name), target);

    private void Touch(params string[] files)
    {
        foreach (string file in files)
        {
            string path = Path.Combine(_folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
    }
}
