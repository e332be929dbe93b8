using MlffAd.Tests.CommandLine;
using static System.StringComparison;

namespace MlffAd.Tests.Training;

/// <summary>What was learnt can be undone, and a file that says what cannot be is refused.</summary>
public sealed class LearnHistoryTests(LearningFolder folder) : IClassFixture<LearningFolder>
{
    /// <summary>Learnt, given a threshold, learnt again: back one by one.</summary>
    [Theory]
    [InlineData("none")]
    [InlineData("place")]
    [InlineData("vector")]
    public void UndoingGoesBackToTheSameBytes(string scaling)
    {
        // As many candidates as vectors: that key grows with them.
        string model = folder.Make(("memory.scaling", scaling), ("memory.candidates", "60"));
        string first = folder.Draw($"first-{scaling}", 5, seed: 100), second = folder.Draw($"second-{scaling}", 2, 150);
        var steps = new List<byte[]> { File.ReadAllBytes(model) };
        void Step(int code, params string[] words)
        {
            var run = CommandRun.Of(words);
            Assert.Equal((code, ""), (run.Code, run.Error.Contains("they move by", Ordinal) ? "" : run.Error));
            steps.Add(File.ReadAllBytes(model));
        }
        Step(0, "learn", model, first, "--device", "cpu", "--force");
        Step(0, "threshold", model, "--value", "1.5");
        Step(0, "learn", model, second, "--device", "cpu", "--force");
        Assert.Equal(4, steps.Select(Convert.ToHexString).Distinct().Count());
        var shown = CommandRun.Of("show", model).Lines;
        Assert.Contains(shown, line => line.Contains("thresholds from  ", Ordinal)
            && line.Contains("17 good images, with 2 learnt (", Ordinal));
        Assert.Contains(shown, line => line.Contains("before that", Ordinal) && line.EndsWith("from given", Ordinal));
        Assert.Contains(shown, line => line.Contains("and before", Ordinal)
            && line.Contains("17 good images, with 4 learnt (", Ordinal));
        Assert.Contains(shown, line => line.Contains("pictures kept", Ordinal) && line.Contains("17 of good", Ordinal));
        foreach (string verb in new[] { "threshold", "learn", "learn" })
        {
            steps.RemoveAt(steps.Count - 1);
            Assert.Equal(0, CommandRun.Of(verb, model, "--undo", "--dry-run").Code);
            var run = CommandRun.Of(verb, model, "--undo");
            Assert.Equal((0, ""), (run.Code, run.Error));
            Assert.Contains("as before, from ", run.Output, Ordinal);
            Assert.Equal(steps[^1], File.ReadAllBytes(model));
        }
        Assert.Equal(2, CommandRun.Of("learn", model, "--undo").Code);
    }

    /// <summary>The last twenty are kept, and no scales of others.</summary>
    [Fact]
    public void WhatTheHistoryDropsTakesItsScalesAlong()
    {
        string model = folder.MakeLearnt();
        int Scales()
        {
            using var file = ModelFile.Open(model);
            return file.Tensors.Tensors.Keys.Count(MemoryExtent.IsEarlier);
        }
        Assert.Equal(1, Scales());
        ModelFile.Update(model, was => Enumerable.Range(0, 19).Aggregate(was,
            (m, i) => m.With(new(i, null, null, "given"))));
        Assert.Equal(1, Scales());
        ModelFile.Update(model, m => m.With(new(19, null, null, "given")));
        Assert.Equal(0, Scales());
        ModelHistory.Undo(model, model);
        Assert.Equal((0, 19), (Scales(), Model.Load(model).Metadata.Earlier.Count));
    }

    [Theory]
    [InlineData("memory.kept", "cut", "is [")]
    [InlineData("memory.kept", "broken", "picture 1 of its 'memory.kept' is none of its 'memory.images'")]
    [InlineData("memory.kept", "twice", "its 'memory.kept' has a picture twice")]
    [InlineData("memory.kept", "float", "is of F32, not U8")]
    [InlineData("memory.imageGroups", "missing", "no tensor 'memory.imageGroups'")]
    [InlineData("memory.imageGroups", "cut", "'memory.imageGroups' is [")]
    [InlineData("memory.imageGroups", "broken", "has a group")]
    [InlineData("memory.images", "cut", "'memory.images' is [")]
    [InlineData("memory.images", "twice", "has an image twice")]
    [InlineData("memory.images", "missing", "which is missing")]
    [InlineData("earlier.16.scales", "missing", "no tensor 'earlier.16.scales'")]
    [InlineData("earlier.16.scales", "cut", "'earlier.16.scales' is [")]
    public void WhatIsCutOrContradictsIsRefused(string name, string how, string said)
    {
        string model = folder.MakeLearnt(), next = folder.Draw("next", 1, seed: 260);
        Change(model, name, how);
        byte[] before = File.ReadAllBytes(model);
        var e = Assert.Throws<MlffAdException>(() => ModelHistory.Undo(model, model));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(said, e.Message, Ordinal);
        Assert.Contains(model, e.Message, Ordinal);
        if (name.StartsWith("memory", Ordinal)) LearningFolder.Refused(ExitCode.BadModel, model, next);
        Assert.Equal(before, File.ReadAllBytes(model));
        // Scoring reads none of it.
        if (said != "which is missing") Assert.NotEmpty(MemoryFolder.Scores(Model.Load(model), DataSetOf(next)));
    }

    [Theory]
    [InlineData("'vectors':60", "'vectors':6000"), InlineData("'vectors':60", "'vectors':0")]
    [InlineData("'vectors':60", "'vectors':401"), InlineData("'learnt':16", "'learnt':19")]
    [InlineData("'learnt':16", "'learnt':-1"), InlineData("'known':16", "'known':-1")]
    [InlineData("'kept':16", "'kept':-2"), InlineData("'candidates':400", "'candidates':59")]
    [InlineData("'candidates':400", "'candidates':5000000"), InlineData("'learnt':16", "'learned':16")]
    public void AHistoryThatCannotBeIsRefused(string was, string now)
    {
        string model = folder.MakeLearnt();
        Rewrite(model, was, now);
        var e = Assert.Throws<MlffAdException>(() => Model.Load(model));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains("its earlier ", e.Message, Ordinal);
    }

    [Theory]
    [InlineData("'known':16", "'known':18")]
    [InlineData("'kept':16", "'kept':17")]
    public void AHistoryOfMoreThanThereIsCannotBeUndone(string was, string now)
    {
        string model = folder.MakeLearnt();
        Rewrite(model, was, now);
        Assert.Equal(ExitCode.BadModel, Assert.Throws<MlffAdException>(() => ModelHistory.Undo(model, model)).Code);
    }

    /// <summary>It keeps nothing: photographs are asked for, kept from then on, and gone when that is undone.</summary>
    [Fact]
    public void AFileOfAnEarlierVersionLearnsWithGoodPartsThatAreGiven()
    {
        string model = folder.Make(), more = folder.Draw("old", 5, seed: 310), good = folder.Draw("good", 8, seed: 330);
        Model.Load(model).Save(model);
        byte[] old = File.ReadAllBytes(model);
        Assert.Equal("mlffad/2", Format(model));
        Assert.Equal(0, CommandRun.Of("detect", model, more, "--device", "cpu", "--threshold", "9").Code);
        Assert.Contains("none", CommandRun.Of("show", model).Output, Ordinal);
        Assert.Contains("--good DIR", LearningFolder.Refused(ExitCode.Usage, model, more), Ordinal);
        var run = CommandRun.Of("learn", model, more, "--good", good, "--device", "cpu");
        Assert.Equal(0, run.Code);
        Assert.Equal("mlffad/3", Format(model));
        Assert.Equal((9, 13), (LearningFolder.Kept(model).Pictures.Count, LearningFolder.Kept(model).Known.Count));
        LearningFolder.Learn(model, folder.Draw("later", 2, seed: 350));
        for (int i = 0; i < 2; i++) Assert.Equal(0, CommandRun.Of("learn", model, "--undo").Code);
        Assert.Equal(old, File.ReadAllBytes(model));
    }

    [Fact]
    public void AModelThatShallKeepNothingDoesNot()
    {
        string model = folder.Make(("memory.keep", "false")), more = folder.Draw("none", 5, seed: 360);
        Assert.Contains("\"keep\":false", Metadata(model)["config"], Ordinal);
        Assert.Equal((0, 16), (LearningFolder.Kept(model).Pictures.Count, LearningFolder.Kept(model).Known.Count));
        byte[] before = File.ReadAllBytes(model);
        Assert.Contains("--good DIR", LearningFolder.Refused(ExitCode.Usage, model, more), Ordinal);
        var good = DataSet.Open(folder.Draw("none-good", 6, seed: 380)).Train;
        var outcome = LearningFolder.Learn(model, more, r => r with { Good = good }).Outcome;
        Assert.Equal((5, 0, 6), (outcome.Learnt, outcome.Kept, outcome.Now.Calibration!.Images));
        Assert.Equal((0, 21), (LearningFolder.Kept(model).Pictures.Count, LearningFolder.Kept(model).Known.Count));
        ModelHistory.Undo(model, model);
        Assert.Equal(before, File.ReadAllBytes(model));
        // Those that it was made of are judged without themselves.
        var parts = DataSet.Open(folder.In("parts")).Train;
        outcome = LearningFolder.Learn(model, more, r => r with { Good = parts, Force = true }).Outcome;
        Assert.InRange(outcome.Now.Threshold / outcome.Was.Threshold, 0.9, 1.01);
    }

    /// <summary>Where some are held out the threshold rests on the remembered as well, before and after, by what the
    /// file says of them: learning what is known already moves neither scales nor thresholds.</summary>
    [Theory]
    [InlineData("none")]
    [InlineData("place")]
    [InlineData("vector")]
    public void RememberedImagesHoldForTheThresholdAfterLearning(string scaling)
    {
        using var parts = new MemoryFolder(images: 26);
        MemoryFolder.Make(parts.Request(MemoryFolder.Of(MemoryFolder.Tiny, ("memory.scaling", scaling),
            ("train.holdout", "0.75"), ("memory.size", "1000"), ("memory.candidates", "1000"))));
        string model = parts.In("m.mlffad");
        byte[] before = File.ReadAllBytes(model);
        Assert.Equal(6, Remembered(model).Distances.Count);
        // One that differs from a remembered one by a bit.
        var known = ImageFile.Read(Holdout.Split(parts.Items, 0.75).Train[0].Path);
        known.Rgb[0] ^= 1;
        Directory.CreateDirectory(parts.In("new"));
        ImageFile.WritePng(Path.Combine(parts.In("new"), "same.png"), known);
        var outcome = LearningFolder.Learn(model, parts.In("new"), r => r with { Force = true }).Outcome;
        Assert.Equal((1, 26), (outcome.Learnt, outcome.Now.Calibration!.Images));
        Assert.Equal(outcome.Was.Threshold, outcome.Now.Threshold, 0.001f * outcome.Was.Threshold);
        Assert.Equal(6, Remembered(model).Distances.Count);
        ModelHistory.Undo(model, model);
        Assert.Equal(before, File.ReadAllBytes(model));
    }

    [Theory]
    [InlineData(RememberedCells.DistanceName, "-1", "has a -1")]
    [InlineData(RememberedCells.DistanceName, "cut", "[64,1]")]
    [InlineData(RememberedCells.NearestName, "0.5", "has a 0.5")]
    [InlineData(RememberedCells.NearestName, "1000", "has a 1000")]
    [InlineData(RememberedCells.NearestName, "cut", "[64,1]")]
    public void DistancesThatCannotBeAreRefused(string name, string how, string said)
    {
        string model = folder.Make(("memory.scaling", "vector")), more = folder.Draw("cannot", 2, seed: 420);
        float[] Cells(string of) => [.. Enumerable.Repeat(0f, 63), name == of && how != "cut"
            ? float.Parse(how, CultureInfo.InvariantCulture) : 0];
        int[] Shape(string of) => name == of && how == "cut" ? [64, 1] : [1, 64];
        string[] both = [RememberedCells.DistanceName, RememberedCells.NearestName];
        Write(model, (tensors, _) => tensors.AddRange(both.Select(of =>
            TensorData.Floats(of, Shape(of), Cells(of)))));
        Assert.Contains(said, LearningFolder.Refused(ExitCode.BadModel, model, more), Ordinal);
    }

    [Theory]
    [InlineData(64, 5461), InlineData(256, 341), InlineData(1024, 21), InlineData(4096, 4)]
    public void LargePicturesAreKeptInSmallNumbers(int side, int most) => Assert.Equal(most, KeptPictures.Most(side));

    private static RememberedCells Remembered(string model)
    {
        using var file = ModelFile.Open(model);
        return RememberedCells.Read(file);
    }

    private static IReadOnlyList<ImageItem> DataSetOf(string path) => DataSet.Open(path).Train;

    private static Dictionary<string, string> Metadata(string model)
    {
        using var file = SafetensorsFile.Open(model);
        return file.Metadata.ToDictionary();
    }

    private static string Format(string model) => Metadata(model)["format"];

    private static void Rewrite(string model, string was, string now) => Write(model, (_, strings) =>
    {
        Assert.Contains(was.Replace('\'', '"'), strings["earlier"], Ordinal);
        strings["earlier"] =
            strings["earlier"].Replace(was.Replace('\'', '"'), now.Replace('\'', '"'), Ordinal);
    });

    private static void Change(string model, string name, string how) => Write(model, (tensors, _) =>
    {
        int at = tensors.FindIndex(tensor => tensor.Name == name);
        Assert.True(at >= 0);
        var tensor = tensors[at];
        using var stream = new MemoryStream();
        tensor.Write(stream);
        byte[] bytes = stream.ToArray();
        int row = bytes.Length / tensor.Shape[0];
        if (how == "broken") bytes[3] ^= 0x7F;
        if (how == "twice") bytes.AsSpan(0, row).CopyTo(bytes.AsSpan(row));
        // Pictures are cut in what each has, the rest in how many there are.
        int[] shape = how != "cut" ? tensor.Shape : name == "memory.images" ? [tensor.Shape[0], tensor.Shape[1] - 1]
            : name == "memory.kept" ? [tensor.Shape[0], .. tensor.Shape[1..3], 2]
            : [tensor.Shape[0] - 1, .. tensor.Shape[1..]];
        if (how == "float") shape = [tensor.Shape[0], .. tensor.Shape[1..]];
        var type = how == "float" ? DType.F32 : tensor.DType;
        int length = (int)new TensorData(name, type, shape, _ => { }).Length;
        Array.Resize(ref bytes, length);
        tensors.RemoveAt(at);
        if (how != "missing") tensors.Add(new(name, type, shape, to => to.Write(bytes)));
    });

    private static void Write(string model, Action<List<TensorData>, Dictionary<string, string>> change)
    {
        List<TensorData> tensors;
        Dictionary<string, string> strings;
        using (var file = SafetensorsFile.Open(model))
        {
            strings = file.Metadata.ToDictionary();
            tensors = [.. file.Tensors.Values.Select(tensor =>
            {
                byte[] bytes = file.ReadBytes(tensor.Name);
                return new TensorData(tensor.Name, tensor.DType, tensor.Shape, stream => stream.Write(bytes));
            })];
        }
        change(tensors, strings);
        Safetensors.Write(model, tensors, strings);
    }
}
