namespace MlffAd.Data;

/// <summary>A kind of pseudo anomaly.</summary>
public enum AnomalyKind
{
    /// <summary>Blurred coloured and black squares.</summary>
    Confetti,

    /// <summary>CutPaste: a piece of the image pasted elsewhere.</summary>
    Patch,

    /// <summary>CutPaste: a thin rotated piece pasted elsewhere.</summary>
    Scar,
}

/// <summary>Draws defects for good images (spec §2.4–2.6); <see cref="Synthesizer"/> or <see cref="Synthesis"/>
/// puts them there.</summary>
public static class PseudoAnomalies
{
    /// <summary>What all of a configuration's defects have in common.</summary>
    public static SynthesisOptions Options(Config config)
    {
        var (synth, unit) = (config.Synth, config.ImageSize / 256.0);
        return new(side: config.ImageSize, radius: (int)Math.Round(synth.Confetti.Radius * unit,
            MidpointRounding.AwayFromZero), sigma: synth.Confetti.Sigma * unit, darkBelow: synth.Confetti.DarkBelow,
            minChange: synth.MaskMinChange, minPixels: synth.MinMaskPixels * unit * unit,
            minShare: config.Labels.MinShare);
    }

    /// <summary>Draws a kind by the weights <c>synth.confetti.weight</c>, <c>synth.cutpaste.weight</c>,
    /// <c>synth.scar.weight</c>.</summary>
    public static AnomalyKind DrawKind(SynthConfig config, Rng rng)
    {
        double u = rng.Uniform(0, config.Confetti.Weight + config.Cutpaste.Weight + config.Scar.Weight);
        return u < config.Confetti.Weight ? AnomalyKind.Confetti : u < config.Confetti.Weight + config.Cutpaste.Weight
            ? AnomalyKind.Patch
            : AnomalyKind.Scar;
    }

    /// <summary>The tries at one defect, each drawn when it is asked for, as many as are allowed.</summary>
    /// <param name="config">Every number of the three kinds.</param>
    /// <param name="side">S.</param>
    /// <param name="kind">What to draw.</param>
    /// <param name="rng">The entry's own stream.</param>
    public static IEnumerable<AnomalyDraw> Draws(SynthConfig config, int side, AnomalyKind kind, Rng rng)
    {
        for (int draw = 0; draw < SynthesisOptions.Draws; draw++)
        {
            yield return kind switch
            {
                AnomalyKind.Confetti => Confetti.Draw(config.Confetti, side, rng),
                AnomalyKind.Patch => CutPaste.Patch(config.Cutpaste, side, rng),
                _ => CutPaste.Scar(config.Scar, side, rng),
            };
        }
    }

    /// <summary>A batch of noise, the kinds of weight above 0 in turn on every second image: something
    /// to measure with.</summary>
    public static RecipeBook Sample(Config config)
    {
        var synth = config.Synth;
        var kinds = Kinds(synth);
        var book = new RecipeBook(Options(config), PixelNormalisation.ImageNet);
        var image = new byte[3 * config.ImageSize * config.ImageSize];
        book.Begin(config.Train.Batch);
        for (int i = 0; i < config.Train.Batch; i++)
        {
            new Random(i).NextBytes(image);
            var warp = Augmentation.Draw(config.Augment, new(config.Train.Seed, RngPurpose.Augmentation, 0, i));
            book.Add(image, warp, i % 2 == 1 && kinds is not []
                ? [.. Draws(synth, config.ImageSize, kinds[i / 2 % kinds.Count],
                    new(config.Train.Seed, RngPurpose.Anomaly, 0, i))]
                : []);
        }
        return book;
    }

    /// <summary>The kinds of weight above 0.</summary>
    internal static IReadOnlyList<AnomalyKind> Kinds(SynthConfig config) =>
        [.. new[] { (AnomalyKind.Confetti, config.Confetti.Weight), (AnomalyKind.Patch, config.Cutpaste.Weight),
            (AnomalyKind.Scar, config.Scar.Weight) }.Where(k => k.Weight > 0).Select(k => k.Item1)];
}
