using MlffAd.Tests.CommandLine;
using MlffAd.Tests.Training;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>A photograph under several names is one photograph.</summary>
public sealed class CopiesTests : IDisposable
{
    private readonly MemoryFolder _folder = new(images: 0);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(10, 6)]
    [InlineData(12, 2)]
    [InlineData(40, 3)]
    [InlineData(9, 1)]
    public void CopiesAreOnOneSideAndCountOnce(int different, int names)
    {
        Draw(different, names);
        var good = DataSet.Open(_folder.Parts).Train;
        var (train, held) = Holdout.Split(good, 0.1);
        var hashes = Copies.Hashes(good);
        Assert.Empty(train.Select(i => hashes[i]).Intersect(held.Select(i => hashes[i])));
        Assert.Equal(4, held.Select(i => hashes[i]).Distinct().Count());
        Assert.Equal(4, held.Count);
        Assert.Equal((different - 4) * names, train.Count);
        // Whatever they are called.
        File.Move(held[0].Path, Path.Combine(_folder.Parts, "a-new-name.png"));
        var again = Holdout.Split(DataSet.Open(_folder.Parts).Train, 0.1).Held;
        Assert.Equal(held.Select(i => hashes[i]).Order(), Copies.Hashes(again).Values.Order());
    }

    [Fact]
    public void TooFewDifferentOnesAreRefused()
    {
        Draw(7, 3);
        var e = Assert.Throws<MlffAdException>(() => Holdout.Split(DataSet.Open(_folder.Parts).Train, 0.1));
        Assert.Contains("21 good images, 7 of them different, are too few", e.Message, Ordinal);
    }

    [Theory]
    [InlineData(5, 4, 5)]      // each judged by a memory of the others
    [InlineData(9, 3, 9)]      // by the memory without itself
    [InlineData(24, 2, 24)]    // 22 held out, beside them the 2 that are remembered
    public void AThresholdRestsOnDifferentOnes(int different, int names, int judged)
    {
        Draw(different, names);
        var config = MemoryFolder.Of(MemoryFolder.Tiny, ("train.holdout", "0.9"));
        var (_, said) = MemoryFolder.Make(_folder.Request(different == 24 ? config : null));
        Assert.Equal(judged, Model.Load(_folder.In("m.mlffad")).Metadata.Calibration!.Images);
        Assert.Contains(said,
            line => line.StartsWith(
            $"{different * (names - 1)} of {different * names} images to learn from repeat others: '", Ordinal));
    }

    [Fact]
    public void AMemoryOfCopiesOfOneIsRefused()
    {
        Draw(2, 10);
        var e = Assert.Throws<MlffAdException>(() => MemoryFolder.Make(_folder.Request()));
        Assert.Contains("20 good images, 2 of them different, are too few to set a threshold with", e.Message, Ordinal);
    }

    [Fact]
    public void WhatTheTestSharesWithTrainingIsSaid()
    {
        Draw(9, 1, "set/train/good");
        Draw(1, 1, "set/test/good");
        _folder.Draw("other.png", 77, folder: "set/test/good");
        string set = _folder.In("set"), said = "1 of 2 test images repeat images to learn from: 'test/good/000-0.png'";
        Assert.Contains(said, CommandRun.Of("inspect", set).Output, Ordinal);
        var made = CommandRun.Of(["train", set, "-o", _folder.In("set.mlffad"), .. TinyModel.Remembering]);
        Assert.Contains(said, made.Output, Ordinal);
        var evaluated = CommandRun.Of("evaluate", _folder.In("set.mlffad"), set, "--json", _folder.In("set.json"));
        Assert.Contains(said, evaluated.Error, Ordinal);
        Assert.Contains(said.Replace("'", "\\u0027", Ordinal), File.ReadAllText(_folder.In("set.json")), Ordinal);
    }

    [Fact]
    public void FilesOfOneLengthAreNoCopiesYet()
    {
        string folder = Directory.CreateDirectory(_folder.In("bmp")).FullName;
        for (int i = 0; i < 3; i++) File.WriteAllText(Path.Combine(folder, $"{i}.bmp"), $"not read, {i}");
        Assert.Empty(DataSet.Open(_folder.In("bmp")).CopyCautions());
        File.Copy(Path.Combine(folder, "1.bmp"), Path.Combine(folder, "3.bmp"));
        Assert.Contains("1 of 4 images to learn from repeat others: '3.bmp'",
            Assert.Single(DataSet.Open(_folder.In("bmp")).CopyCautions()), Ordinal);
    }

    /// <summary>A state of an earlier version says nothing of its split: it goes on by names.</summary>
    [Theory]
    [InlineData(SplitBy.Name, true)]
    [InlineData(SplitBy.Name, false)]
    [InlineData(SplitBy.Content, false)]
    public void AResumedTrainingHoldsOutWhatItDid(SplitBy split, bool earlier)
    {
        Draw(12, 1);
        var config = EarlierBytesTests.SmallConfig("baseline");
        var request =
            new TrainingRequest(_folder.Parts, _folder.In("n.mlffad"), config)
            {
                Weights = "none",
                MaxImages = 12,
                Split = split
            };
        using var device = Device.Open("cpu", threads: 1);
        using (var stop = new CancellationTokenSource())
            Assert.True(Trainer.Train(request, device, _ => { }, _ => stop.Cancel(), stop.Token).Interrupted);
        if (earlier) Forget(request.StatePath);
        Trainer.Train(request with { Split = SplitBy.Content, Resume = request.StatePath }, device, _ => { }, null,
            TestContext.Current.CancellationToken);
        byte[] resumed = File.ReadAllBytes(request.Output);
        Trainer.Train(request with { Output = _folder.In("whole.mlffad") }, device, _ => { }, null,
            TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(_folder.In("whole.mlffad")), resumed);
    }

    /// <summary>Takes "split" out of a state.</summary>
    private static void Forget(string state)
    {
        TensorData[] tensors;
        Dictionary<string, string> strings;
        using (var file = SafetensorsFile.Open(state))
        {
            strings = new(file.Metadata);
            tensors = [.. file.Tensors.Values.Select(t => (t, bytes: file.ReadBytes(t.Name)))
                .Select(e => new TensorData(e.t.Name, e.t.DType, e.t.Shape, stream => stream.Write(e.bytes)))];
        }
        Assert.True(strings.Remove("split"));
        Safetensors.Write(state, tensors, strings);
        using var opened = Checkpoint.Open(state);
        Assert.Equal(SplitBy.Name, opened.Metadata.Split);
    }

    private void Draw(int different, int names, string folder = "parts")
    {
        for (int i = 0; i < different; i++)
        {
            _folder.Draw($"{i:000}-0.png", i, folder: folder);
            for (int n = 1; n < names; n++)
                File.Copy(Path.Combine(_folder.In(folder), $"{i:000}-0.png"),
                    Path.Combine(_folder.In(folder), $"{n}-{i:000}.png"));
        }
    }
}
