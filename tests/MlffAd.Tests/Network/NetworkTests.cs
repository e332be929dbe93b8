namespace MlffAd.Tests.Network;

public sealed class NetworkTests
{
    private static readonly Config Tiny = Preset.Find("tiny");

    public static TheoryData<string> Devices => TestDevices.Fast;

    public static TheoryData<string> Presets => [.. Preset.All.Select(p => p.Name)];

    internal static (float[] Images, float[] Labels) Batch(Config config, int n, int seed)
    {
        float[] labels = new float[n * config.Cells];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = i % config.Cells < config.MapSide * 2 && i / config.Cells % 2 == 0 ? 1 : 0;
        return (Gradients.Random(n * 3 * config.ImageSize * config.ImageSize, seed, scale: 2), labels);
    }

    /// <summary>The description's names and shapes are those of spec §12; every preset can be listed.</summary>
    [Theory, MemberData(nameof(Presets))]
    public void EveryPresetsParametersHaveUniqueNamesAndFileShapes(string preset)
    {
        var list = MlffNetwork.Parameters(Preset.Find(preset));
        Parameter[] all = [.. list.Trained, .. list.Statistics, .. list.Constants];
        Assert.Equal(all.Length, all.Select(p => p.Name).Distinct().Count());
        Assert.All(all, p => Assert.Equal(p.Count, p.FileShape.Aggregate(1, (a, b) => a * b)));
        Assert.Equal(preset switch { "memory" => 3, "fast" => 4, _ => 0 }, list.Constants.Count);
        Assert.Equal(preset is "memory" or "baseline" or "+sc" or "+stl" ? null
            : 1, list.Trained.FirstOrDefault(p => p.Name == "score.bias")?.Count);
    }

    [Theory]
    [InlineData("imageSize", "4096", "backbone.width", "1024")]
    [InlineData("imageSize", "4096", "texture.width", "4096")]
    [InlineData("backbone.stages", "64,64,64", "backbone.width", "1024")]
    public void ANetworkTooLargeToBeMadeIsAMatterOfUsage(string key, string value, string other, string otherValue)
    {
        var config = new Config().With(key, value).With(other, otherValue).Validate();
        var e = Assert.Throws<MlffAdException>(() => MlffNetwork.Parameters(config));
        Assert.Equal(ExitCode.Usage, e.Code);
        Assert.Contains("too large", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThePapersNetworkHas39MillionNumbers()
    {
        var list = MlffNetwork.Parameters(new Config());
        Assert.Equal(38_824_385, list.Trained.Sum(p => (long)p.Count));
        Assert.Equal([256, 1792, 1, 1], list["fusion.weight"].FileShape);
        Assert.Equal([128, 384], list["texture.ptfem.s8.f3.weight"].FileShape);
        Assert.Equal([256], list["score.weight"].FileShape);
    }

    /// <summary>After the first step nothing is allocated any more, not even for a smaller batch; between steps nothing
    /// but the parameters is live.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void StepsAfterTheFirstAllocateNothing(string id)
    {
        using var device = TestDevices.Open(id);
        using var parameters = new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(Tiny), 1));
        using var step = new TrainingStep(Tiny, parameters, 3);
        var first = step.Upload(Batch(Tiny, 3, 1).Images, Batch(Tiny, 3, 1).Labels);
        long live = device.Pool.LiveBytes;
        step.Run(first, 0.001);
        int allocations = device.Pool.Allocations;
        foreach (int n in new[] { 3, 2, 1, 3 }) step.Run(Batch(Tiny, n, n).Images, Batch(Tiny, n, n).Labels, 0.001);
        Assert.Equal(allocations, device.Pool.Allocations);
        device.Pool.AssertLive(live);
        if (id != "cpu") return;
        var (images, labels) = Batch(Tiny, 3, 1);
        step.Run(images, labels, 0.001);
        long before = GC.GetAllocatedBytesForCurrentThread();
        step.Run(images, labels, 0.001);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024);
    }

    /// <summary>The batch that a device makes of recipes is trained on like one that comes made; how many images no
    /// draw changed enough comes back with the step.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void AStepOnABookIsAStepOnWhatItMakes(string id)
    {
        const int n = 4;
        using var device = TestDevices.Open(id);
        var config = Tiny.With("train.batch", $"{n}");
        var book = PseudoAnomalies.Sample(config);
        float[] images, labels;
        using (var from = Tensor.From(device, Shape.Of(book.Pack().Length), book.Pack(), "book"))
        using (Tensor x = Tensor.Rent(device, new(n, 64, 64, 3), "images"), y =
            Tensor.Rent(device, new(n, 8, 8, 1), "labels"), stayed = Tensor.Rent(device, Shape.Of(n), "stayed good"))
        {
            Synthesis.Forward(from, book.Options, book.Normalisation, x, y, stayed);
            (images, labels) = (x.ToArray(), y.ToArray());
        }
        Assert.Equal([false, true, false, true],
            Enumerable.Range(0, n).Select(i => labels[(64 * i)..(64 * i + 64)].Contains(1)));
        var white = new RecipeBook(book.Options, book.Normalisation);
        byte[] picture = new byte[3 * 64 * 64];
        Array.Fill(picture, (byte)255);
        var piece = new Piece(0, 0, 20, 20, 30, 30, 0, 1, [(ColourChange.Brightness, 1), (ColourChange.Contrast, 1),
            (ColourChange.Saturation, 1), (ColourChange.Hue, 0)]);
        white.Begin(2);
        for (int i = 0; i < 2; i++) white.Add(picture, null, [new(piece), new(piece)]);

        float[] Train(Func<TrainingStep, BatchTicket> upload)
        {
            using var parameters = new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(config), 1));
            using var step = new TrainingStep(config, parameters, n);
            var batch = upload(step);
            // The next batch is uploaded while the device computes, and does not change this step's result.
            Assert.Equal(0, step.Run(batch, 0.01, () => batch = step.Upload(white)).StayedGood);
            Assert.Equal(2, step.Run(batch, 0, () => batch = upload(step)).StayedGood);
            Assert.Equal(0, step.Run(batch, 0.01).StayedGood);
            Assert.Throws<InvalidOperationException>(() => step.Run(default, 0.01));
            upload(step);
            Assert.Throws<InvalidOperationException>(() => step.Run(batch, 0.01));
            return parameters.Weights.ToArray();
        }
        Assert.Equal(Train(step => step.Upload(images, labels)), Train(step => step.Upload(book)));
    }

    [Theory]
    [InlineData("tiny", "train.bn", "train"), InlineData("tiny", "train.bn", "frozen")]
    [InlineData("tiny", "train.freeze", "stem"), InlineData("tiny", "train.freeze", "backbone")]
    [InlineData("tiny", "texture.enabled", "false"), InlineData("tiny", "sc.enabled", "false")]
    [InlineData("tiny", "sc.width", "64"), InlineData("tiny", "score.linear", "false")]
    [InlineData("tiny", "texture.band", "spacing"), InlineData("tiny", "texture.levels", "paper")]
    [InlineData("tiny", "loss.pairing", "all"), InlineData("tiny", "backbone.strideIn", "1x1")]
    public void TheGradientOfTheWholeIsItsSlope(string preset, string key, string value)
    {
        // Behind the quantisation: before it, the loss jumps where a cell changes its level.
        // Scores far from their kinks.
        string[] smooth =
        [
            "texture.ptfem.s1.f1.weight", "texture.ptfem.s4.f3.weight", "texture.ptfem.s2.f4.weight",
            "texture.ptfem.out.weight", "sc.k2.weight", "sc.bn4.bias", "fusion.weight", "score.weight",
        ];
        var config =
            Preset.Find(preset).With(key, value).With("loss.gamma", "-20").With("loss.lambda", "20").Validate();
        using var device = Device.Open("cpu", 2);
        var start = Initialisation.Random(MlffNetwork.Parameters(config), 3);
        var (images, labels) = Batch(config, 2, 4);

        float[] gradients = [];
        double Loss(NetworkWeights weights, bool keep = false)
        {
            using var parameters = new Parameters(device, weights);
            using var step = new TrainingStep(config, parameters, 2);
            if (keep) step.OnGradients = () => gradients = parameters.Gradients.ToArray();
            return step.Run(images, labels, 0).Losses.Total;
        }
        Loss(start, keep: true);
        // Together: by itself a tensor of small gradient drowns in the rounding of the loss. Each by itself is the
        // reference files' matter.
        var moving = start.List.Trained.Where(p => smooth.Contains(p.Name)).ToList();
        float[] Gather(float[] flat) => [.. moving.SelectMany(p => flat[p.Start..(p.Start + p.Count)])];
        Gradients.Check(x =>
        {
            var moved = start with { Trained = [.. start.Trained] };
            int at = 0;
            foreach (var p in moving)
            {
                x[0].AsSpan(at, p.Count).CopyTo(moved[p]);
                at += p.Count;
            }
            return Loss(moved);
        }, [Gather(start.Trained)], [Gather(gradients)], h: 2e-3, tolerance: 2e-2, directions: 4);
    }

    [Fact]
    public void FrozenPartsKeepTheirWeightsAndFrozenStatisticsStay()
    {
        foreach (var (key, value, isKept) in new (string, string, Func<Parameter, bool>)[]
        {
            ("train.freeze", "backbone", p => p.IsBackbone
                && p.Kind is not (ParameterKind.RunningMean or ParameterKind.RunningVariance)),
            ("train.freeze", "stem", p => p.Name.StartsWith("backbone.layer1.0.conv", StringComparison.Ordinal)
                || p.Name.StartsWith("backbone.bn1.w", StringComparison.Ordinal)),
            ("train.bn", "frozen", p => p.IsBackbone && p.Kind is ParameterKind.RunningMean
                or ParameterKind.RunningVariance && p.IsBackbone),
        })
        {
            var config = Tiny.With(key, value);
            using var device = Device.Open("cpu", 2);
            var start = Initialisation.Random(MlffNetwork.Parameters(config), 1);
            using var parameters = new Parameters(device, start);
            using var step = new TrainingStep(config, parameters, 2);
            step.Run(Batch(config, 2, 1).Images, Batch(config, 2, 1).Labels, 0.1);
            var after = parameters.ToHost();
            foreach (var p in start.List.Trained.Concat(start.List.Statistics).Where(p => p.Kind != ParameterKind.Shift
                || !p.Name.EndsWith("s1.bn4.bias", StringComparison.Ordinal)))
                if (isKept(p)) Assert.True(start[p].SequenceEqual(after[p]), $"{key} {value}: {p.Name} moved");
                else if (!p.Name.StartsWith("backbone", StringComparison.Ordinal) && p.Kind == ParameterKind.Weight
                    && p.Name is "fusion.weight" or "sc.k3.weight")
                    Assert.False(start[p].SequenceEqual(after[p]), $"{key} {value}: {p.Name} stayed");
        }
    }

    [Fact]
    public void AStepThatIsNotFiniteChangesNothing()
    {
        using var device = Device.Open("cpu", 2);
        var start = Initialisation.Random(MlffNetwork.Parameters(Tiny), 1);
        using var parameters = new Parameters(device, start);
        using var step = new TrainingStep(Tiny, parameters, 2);
        var (images, labels) = Batch(Tiny, 2, 1);
        images[5] = float.NaN;
        Assert.False(step.Run(images, labels, 0.1).IsFinite);
        var after = parameters.ToHost();
        Assert.Equal(start.Trained, after.Trained);
        Assert.Equal(start.Statistics, after.Statistics);
        Assert.True(step.Run(Batch(Tiny, 2, 1).Images, labels, 0.1).IsFinite);
    }

    /// <summary>One thread and two give the same bits: weights after three steps.</summary>
    [Fact]
    public void ThreadsChangeNothing()
    {
        float[] Train(int threads)
        {
            using var device = Device.Open("cpu", threads);
            using var parameters = new Parameters(device, Initialisation.Random(MlffNetwork.Parameters(Tiny), 1));
            using var step = new TrainingStep(Tiny, parameters, 3);
            for (int i = 0; i < 3; i++) step.Run(Batch(Tiny, 3, i).Images, Batch(Tiny, 3, i).Labels, 0.01);
            return parameters.Weights.ToArray();
        }
        float[] one = Train(1);
        Assert.Equal(one, Train(2));
        Assert.Equal(one, Train(3));
    }

    /// <summary>An image's scores do not depend on what else is in the batch, and a plan can be run again.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void PlansScoreEachImageByItself(string id)
    {
        using var device = TestDevices.Open(id);
        var weights = Initialisation.Random(MlffNetwork.Parameters(Tiny), 1);
        float[] Scores(int n, params int[] seeds)
        {
            using var plan = Planner.Plan(Tiny, weights, device, new Shape(n, 64, 64, 3),
                (x, image) => [new MlffNetwork(Tiny).Forward(x, image).S]);
            plan.Input.Write([.. seeds.SelectMany(seed => Batch(Tiny, 1, seed).Images)]);
            plan.Run();
            int allocations = device.Pool.Allocations;
            plan.Run();
            Assert.Equal(allocations, device.Pool.Allocations);
            return plan.Outputs[0].ToArray();
        }
        float[] together = Scores(3, 1, 2, 3), alone = Scores(1, 2);
        Assert.Equal(alone, together[alone.Length..(2 * alone.Length)]);
    }

    /// <summary>What linear algebra takes out of a plan changes nothing but rounding: with the fused features wanted
    /// too, the fusion, the score and the module's last convolution cannot become one.</summary>
    [Theory]
    [InlineData("tiny"), InlineData("+sc"), InlineData("+stl"), InlineData("baseline")]
    public void SimplifiedPlansScoreAlike(string preset)
    {
        using var device = Device.Open("cpu", 2);
        var config = preset == "tiny"
            ? Tiny
            : Tiny.With("sc.enabled", preset == "baseline" ? "false" : "true").With("texture.enabled", preset == "+stl"
                ? "true" : "false").With("score.linear", "false");
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), 1);
        using var whole = Planner.Plan(config, weights, device, new Shape(2, 64, 64, 3),
            (x, image) => new MlffNetwork(config).Forward(x, image) is var f ? [f.S, f.F, f.Sc] : []);
        using var simplified = Planner.Plan(config, weights, device, new Shape(2, 64, 64, 3),
            (x, image) => [new MlffNetwork(config).Forward(x, image).S]);
        foreach (var plan in new[] { whole, simplified })
        {
            plan.Input.Write(Batch(config, 2, 5).Images);
            plan.Run();
        }
        float[] expected = whole.Outputs[0].ToArray(), got = simplified.Outputs[0].ToArray();
        float size = expected.Max(Math.Abs);
        Assert.All(expected.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 2e-5f * size));
        if (preset != "baseline") Assert.True(simplified.Steps < whole.Steps);
    }
}
