namespace MlffAd.Training;

/// <summary>What all memories were shown, in the order in which they score it.</summary>
internal sealed class ShownCells
{
    public ShownCells(Picture[] pictures, Config config)
    {
        int cells = config.Cells;
        Owners = [.. pictures.Select(picture => picture.Owner).Distinct()];
        OfImage = [.. pictures.Select(picture => Array.IndexOf(Owners, picture.Owner))];
        OfCell = [.. OfImage.SelectMany(owner => Enumerable.Repeat(owner, cells))];
        ByImage = [.. pictures.Select(picture => picture.IsGood ? 0.0 : 1)];
        (ByArea, ByAnomaly) = (new double[OfCell.Length], new double[OfCell.Length]);
        // However little of a cell is changed, some of each anomaly counts.
        var labelled = config with { Labels = config.Labels with { MinShare = 0 } };
        var synthesizer = new Synthesizer(PseudoAnomalies.Options(labelled));
        float[] labels = new float[cells];
        foreach (var (i, picture) in pictures.Index())
        {
            if (picture.Mask is not { } mask) continue;
            synthesizer.Label(mask, labels);
            double area = labels.Sum();
            for (int cell = 0, at = i * cells; cell < cells; cell++, at++)
                (ByArea[at], ByAnomaly[at]) = (labels[cell], labels[cell] / area);
        }
    }

    /// <summary>The good images.</summary>
    public ulong[] Owners { get; }

    /// <summary>The good image of each picture, and of each cell.</summary>
    public int[] OfImage { get; }

    /// <inheritdoc cref="OfImage"/>
    public int[] OfCell { get; }

    /// <summary>What pictures and cells weigh, 0 where they are good.</summary>
    public double[] ByImage { get; }

    /// <inheritdoc cref="ByImage"/>
    public double[] ByArea { get; }

    /// <summary>As <see cref="ByArea"/>, each anomaly's cells together 1.</summary>
    public double[] ByAnomaly { get; }
}
