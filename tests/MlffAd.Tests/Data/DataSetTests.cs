using System.Security.Cryptography;
using System.Text;

namespace MlffAd.Tests.Data;

public sealed class DataSetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void MvtecsLayoutGivesSplitsKindsAndMasksInOrdinalOrder()
    {
        Touch("train/good/b.png", "train/good/a.JPG", "train/good/B.Tiff", "train/good/notes.txt",
            "train/good/.hidden.png", "test/good/1.png", "test/scratch/10.png", "test/scratch/2.png",
            "test/dent/3.bmp", "ground_truth/scratch/10_mask.png", "ground_truth/scratch/2_mask.png");
        var set = DataSet.Open(_folder);
        Assert.True(set is { IsMvtec: true, HasMasks: true });
        Assert.Equal(["train/good/B.Tiff", "train/good/a.JPG", "train/good/b.png"], set.Train.Select(i => i.Name));
        Assert.Equal(["test/dent/3.bmp", "test/good/1.png", "test/scratch/10.png", "test/scratch/2.png"],
            set.Test.Select(i => i.Name));
        Assert.Equal(["dent", "good", "scratch"], set.Kinds);
        Assert.Equal([true, false, true, true], set.Test.Select(i => i.Mask is not null));
        Assert.Equal("test/dent/3.bmp", Assert.Single(set.MissingMasks).Name);
    }

    [Theory]
    [InlineData("ok", "Good")]
    [InlineData("GOOD", "OK")]
    [InlineData("normal", "Normal")]
    public void GoodHasOtherNames(string train, string test)
    {
        Touch($"train/{train}/a.png", $"test/{test}/b.png", "test/not ok/c.png", "ground_truth/not ok/c_mask.png");
        var set = DataSet.Open(_folder);
        Assert.True(set is { IsMvtec: true, HasMasks: true });
        Assert.Equal($"train/{train}/a.png", Assert.Single(set.Train).Name);
        Assert.Equal(["good", "not ok"], set.Kinds);
        Assert.Null(Assert.Single(set.Test, i => i.Kind == DataSet.Good).Mask);
        set.RequireMasks();
    }

    [Fact]
    public void AMissingMaskIsNamedWithCode3AndNoneIsWantedWithoutGroundTruthOrForGood()
    {
        Touch("test/good/1.png", "test/dent/3.bmp");
        DataSet.Open(_folder).RequireMasks();
        Touch("ground_truth/dent/other_mask.png");
        var e = Assert.Throws<MlffAdException>(DataSet.Open(_folder).RequireMasks);
        Assert.Equal(ExitCode.BadData, e.Code);
        Assert.Contains(Path.Combine("ground_truth", "dent", "3_mask.png"), e.Message, StringComparison.Ordinal);
        Touch("ground_truth/dent/3_mask.png");
        DataSet.Open(_folder).RequireMasks();
    }

    [Fact]
    public void APlainFolderIsSearchedToTheBottom()
    {
        Touch("z.png", "a/b/c.webp", "a/d.jpeg");
        var set = DataSet.Open(_folder);
        Assert.False(set.IsMvtec);
        Assert.Equal(["a/b/c.webp", "a/d.jpeg", "z.png"], set.Train.Select(i => i.Name));
        Assert.All(set.Train, i => Assert.Equal(DataSet.Good, i.Kind));
    }

    [Fact]
    public void NothingToReadIsRefusedByName()
    {
        foreach (string path in new[] { _folder, Path.Combine(_folder, "nowhere") })
        {
            Assert.Contains(path, Assert.Throws<MlffAdException>(() => DataSet.Open(path)).Message,
                StringComparison.Ordinal);
            var e = Assert.Throws<MlffAdException>(() => DataSet.Find([path]));
            Assert.Equal(ExitCode.BadData, e.Code);
            Assert.Contains(path, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void FilesAndFoldersCanBeMixedAndAFileMayHaveAnyExtension()
    {
        Touch("in/2.png", "in/1.png", "single.photo");
        string single = Path.Combine(_folder, "single.photo"), inside = Path.Combine(_folder, "in");
        Assert.Equal([single, Path.Combine(inside, "1.png"), Path.Combine(inside, "2.png")],
            DataSet.Find([single, inside]).Select(i => i.Path));
    }

    [Theory]
    [InlineData(8, 0.1, 4)]
    [InlineData(40, 0.1, 4)]
    [InlineData(41, 0.1, 5)]
    [InlineData(30, 0.2, 6)]      // 0.2·30 is 6 although 0.2 is not exact
    [InlineData(209, 0.1, 21)]
    public void TheSmallestHashesAreHeldOut(int images, double share, int held)
    {
        var good = Good(images);
        var (train, kept) = Holdout.Split(good, share);
        Assert.Equal((held, images - held), (kept.Count, train.Count));
        Assert.Equal(good, train.Concat(kept).OrderBy(i => i.Name, StringComparer.Ordinal));
        static string Hash(ImageItem i) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(i.Name)));
        Assert.True(string.CompareOrdinal(kept.Max(Hash), train.Min(Hash)) < 0);
        Assert.Equal(kept, kept.OrderBy(i => i.Name, StringComparer.Ordinal));
    }

    [Fact]
    public void FewerThanEightGoodImagesCannotBeSplit()
    {
        Assert.Equal(ExitCode.BadData, Assert.Throws<MlffAdException>(() => Holdout.Split(Good(7), 0.1)).Code);
        Assert.Equal(7, Holdout.Split(Good(7), 0).Train.Count);
        Assert.Throws<MlffAdException>(() => Holdout.Split(Good(10), 0.99));   // nothing left to learn from
    }

    [Fact]
    public void AnInspectionCountsAndNamesWhatIsWrong()
    {
        for (int i = 0; i < 10; i++) Save($"train/good/{i}.png", ImageFileTests.Noise(20, 20, i));
        Save("train/good/large.png", ImageFileTests.Noise(30, 20));
        Touch("train/good/empty.png");
        Save("test/dent/1.png", ImageFileTests.Noise(20, 20));
        Save("test/dent/2.png", ImageFileTests.Noise(20, 20));
        Save("ground_truth/dent/1_mask.png", new RgbImage(10, 20, new byte[600]));
        var inspection = Inspection.Of(DataSet.Open(_folder), holdout: 0.1);
        var train = inspection.Kinds[0];
        Assert.Equal(("train", "good", 12, 1), (train.Split, train.Kind, train.Images, train.Unusable));
        Assert.Equal([(20, 20, 10), (30, 20, 1)], train.Sizes);
        Assert.Equal((2, 1), (inspection.Kinds[1].Images, inspection.Kinds[1].Masks));
        Assert.Contains("empty.png", Assert.Single(inspection.Rejects).Message, StringComparison.Ordinal);
        Assert.Equal(4, inspection.HeldOut);
        Assert.Contains(inspection.Problems, p => p.Contains("1 of 12", StringComparison.Ordinal));
        Assert.Contains(inspection.Problems, p => p.Contains("2_mask.png", StringComparison.Ordinal));
        foreach (string part in new[] { "2 different sizes", "10×20", "marks nothing", "held-out",
            "no good test images" })
            Assert.Contains(inspection.Warnings, w => w.Contains(part, StringComparison.Ordinal));
    }

    private static List<ImageItem> Good(int count) =>
        [.. Enumerable.Range(0, count)
            .Select(i => new ImageItem($"/x/{i:000}.png", $"train/good/{i:000}.png", DataSet.Good))];

    private string Place(string name)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    private void Touch(params string[] names)
    {
        foreach (string name in names) File.WriteAllBytes(Place(name), []);
    }

    private void Save(string name, RgbImage image) => ImageFile.WritePng(Place(name), image);
}
