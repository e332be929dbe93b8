using MlffAd.Demo;

namespace MlffAd.Tests.Demo;

public sealed class DemoDataTests
{
    public static TheoryData<string, string> Defects =>
        [.. new Material[] { new Cloth(), new Metal() }.SelectMany(m => m.Defects.Select(d => (m.Name, d)))];

    [Fact]
    public void PicturesDependOnTheSeedAndNotOnTheThreads()
    {
        var (one, two, other) = (Write(seed: 1, threads: 1), Write(seed: 1, threads: 2), Write(seed: 2, threads: 2));
        Assert.Equal(one.Keys, two.Keys);
        foreach (string path in one.Keys)
        {
            Assert.Equal(one[path], two[path]);
            if (path.Contains("test", StringComparison.Ordinal)) Assert.NotEqual(one[path], other[path]);
        }
    }

    [Fact]
    public void TheLayoutIsMvtecsAndEveryDefectivePictureHasItsMask()
    {
        var files = Write(seed: 3, threads: 2);
        foreach (string material in DemoData.Materials)
        {
            Assert.Equal(2, files.Keys.Count(f => f.StartsWith($"{material}/train/good/", StringComparison.Ordinal)));
            string[] defective = [.. files.Keys.Where(f => f.StartsWith($"{material}/test/", StringComparison.Ordinal)
                && !f.Contains("/good/", StringComparison.Ordinal))];
            Assert.Equal(4, defective.Length);
            foreach (string f in defective)
                Assert.Contains(f.Replace("/test/", "/ground_truth/", StringComparison.Ordinal)
                    .Replace(".png", "_mask.png", StringComparison.Ordinal), files.Keys);
        }
    }

    /// <summary>The same part with and without the defect: nearly all that differs lies in the mask, and the mask
    /// holds nothing else.</summary>
    [Theory, MemberData(nameof(Defects))]
    public void AMaskCoversWhatTheDefectChangedAndLittleElse(string name, string defect)
    {
        Material material = name == "cloth" ? new Cloth() : new Metal();
        for (int picture = 0; picture < 5; picture++)
        {
            var good = material.Draw(64, new Rng(5, RngPurpose.Demo, 0, picture), null);
            var bad = material.Draw(64, new Rng(5, RngPurpose.Demo, 0, picture), defect);
            double inside = 0, all = 0;
            int changed = 0, marked = 0;
            for (int s = 0; s < good.Height.Length; s++)
            {
                double difference = Math.Abs(good.Height[s] - bad.Height[s]);
                for (int c = 0; c < 3; c++) difference += 4 * Math.Abs(good.Colour[3 * s + c] - bad.Colour[3 * s + c]);
                all += difference;
                if (!bad.Defect[s]) continue;
                inside += difference;
                marked++;
                if (difference > 0.01) changed++;
            }
            Assert.InRange(marked / (double)good.Height.Length, 0.001, 0.12);
            Assert.True(inside > 0.8 * all,
                $"{name}/{defect} {picture}: {inside / all:P0} of the change lies in the mask.");
            Assert.True(changed > 0.5 * marked,
                $"{name}/{defect} {picture}: {(double)changed / marked:P0} of the mask changed.");
            Assert.DoesNotContain(true, good.Defect);
        }
    }

    [Fact]
    public void PicturesThatCannotBeWrittenAreOneErrorHoweverManyThreadsMeetIt()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        foreach (string material in DemoData.Materials)
            Directory.CreateDirectory(Path.Combine(folder, material, "train", "good", "000.png"));
        var e = Assert.Throws<MlffAdException>(() => DemoData.Write(folder, size: 64, counts: new(1, 0, 0),
            threads: 2, stop: TestContext.Current.CancellationToken));
        Assert.Equal(ExitCode.Output, e.Code);
        Assert.Contains("000.png", e.Message, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    private static SortedDictionary<string, byte[]> Write(long seed, int threads)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        DemoData.Write(folder, seed, size: 64, counts: new(2, 1, 1), threads);
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
            files[Path.GetRelativePath(folder, path).Replace('\\', '/')] = File.ReadAllBytes(path);
        Directory.Delete(folder, recursive: true);
        return files;
    }
}
