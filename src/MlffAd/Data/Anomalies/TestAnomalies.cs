namespace MlffAd.Data;

/// <summary>A kind of pseudo anomaly that models are tested with: those of <see cref="AnomalyKind"/>, and two that no
/// network is trained on.</summary>
internal enum TestKind
{
    /// <inheritdoc cref="AnomalyKind.Confetti"/>
    Confetti = AnomalyKind.Confetti,

    /// <inheritdoc cref="AnomalyKind.Patch"/>
    Patch = AnomalyKind.Patch,

    /// <inheritdoc cref="AnomalyKind.Scar"/>
    Scar = AnomalyKind.Scar,

    /// <summary>A drawn line, <see cref="Stroke"/>.</summary>
    Line,

    /// <summary>A dent, <see cref="Data.Dent"/>.</summary>
    Dent,
}

/// <summary>A pseudo anomaly on a good image.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Image">The image with it.</param>
/// <param name="Mask"><c>[S, S]</c>, 1 where anomalous, else 0; never empty.</param>
internal sealed record TestAnomaly(TestKind Kind, RgbImage Image, byte[] Mask);

/// <summary>Draws the pseudo anomalies that a model's quality is measured with (spec §9). They depend on the image
/// alone: models of other seeds and configurations are measured with the same.</summary>
internal static class TestAnomalies
{
    /// <summary>Anomalies of a kind on an image.</summary>
    public const int OfEachKind = 2;

    /// <summary>All kinds.</summary>
    public static IReadOnlyList<TestKind> AllKinds { get; } = Enum.GetValues<TestKind>();

    /// <summary>Those that no network is trained on.</summary>
    public static IReadOnlyList<TestKind> UntrainedKinds { get; } = [TestKind.Line, TestKind.Dent];

    /// <summary>Two anomalies of each kind on a good image; fewer where no draw changes enough of it.</summary>
    /// <param name="good"><c>[S, S, 3]</c>, which stays as it is.</param>
    /// <param name="kinds">The kinds.</param>
    public static IEnumerable<TestAnomaly> On(RgbImage good, IReadOnlyList<TestKind> kinds)
    {
        int side = good.Width, own = (int)(uint)good.Contents;
        var config = Preset.Find("fast") with { ImageSize = side };
        var options = PseudoAnomalies.Options(config);
        var make = new Synthesizer(options);
        foreach (var kind in kinds)
            for (int i = 0; i < OfEachKind; i++)
            {
                var rng = new Rng(0, RngPurpose.Quality, own, (int)kind * OfEachKind + i);
                byte[] rgb = [.. good.Rgb], mask = new byte[side * side];
                bool isDrawn = kind switch
                {
                    TestKind.Line => Try(() => Stroke.Draw(rgb, side, rng), options, good.Rgb, rgb, mask),
                    TestKind.Dent => Try(() => Dent.Draw(good.Rgb, rgb, side, rng), options, good.Rgb, rgb, mask),
                    _ => make.Apply(PseudoAnomalies.Draws(config.Synth, side, (AnomalyKind)kind, rng), rgb, mask),
                };
                if (isDrawn) yield return new(kind, good with { Rgb = rgb }, mask);
            }
    }

    /// <summary>Draws until enough has changed, as often as a <see cref="Synthesizer"/> would.</summary>
    private static bool Try(Action draw, SynthesisOptions options, byte[] before, byte[] rgb, byte[] mask)
    {
        for (int i = 0; i < SynthesisOptions.Draws; i++)
        {
            before.CopyTo(rgb);
            draw();
            if (options.Mark(before, rgb, mask)) return true;
        }
        return false;
    }
}
