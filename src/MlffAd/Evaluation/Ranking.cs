namespace MlffAd.Evaluation;

/// <summary>A point of a curve; both coordinates lie in [0, 1].</summary>
public readonly record struct CurvePoint(double X, double Y);

/// <summary>The best F1 over all thresholds and the lowest threshold (score ≥ it) that reaches it.</summary>
public readonly record struct BestF1(double Value, float Threshold);

/// <summary>How well scores separate defective from good members (images or pixels): exact metrics over all distinct
/// scores, ties counted half.</summary>
/// <remarks>Counts are integers and ratios float64. A metric without the members it compares is null.</remarks>
public sealed class Ranking
{
    private readonly ReadOnlyMemory<ulong> entries;
    private readonly double[] shares;
    private readonly long positives, negatives;
    private readonly double components;

    /// <param name="entries">Ascending; see <see cref="ThresholdWalk"/>.</param>
    /// <param name="shares">Per label 1/area of its component, 0 for good, negative for labels to leave out.</param>
    internal Ranking(ReadOnlyMemory<ulong> entries, double[] shares)
    {
        (this.entries, this.shares) = (entries, shares);
        var walk = Walk();
        while (walk.Next()) { }
        (positives, negatives, components) = (walk.Positives, walk.Negatives, shares.Count(share => share > 0));
    }

    /// <summary>Ranks one score per member; <paramref name="defective"/> tells which should be high.</summary>
    /// <exception cref="ArgumentException">Lengths differ, or a score is not a number.</exception>
    public static Ranking Of(ReadOnlySpan<float> scores, ReadOnlySpan<bool> defective)
    {
        if (scores.Length != defective.Length)
            throw new ArgumentException("Each score needs its label.", nameof(defective));
        var entries = new ulong[scores.Length];
        int count = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            entries[i] = ThresholdWalk.Entry(scores[i], defective[i] ? 1u : 0u);
            if (defective[i]) count++;
        }
        Array.Sort(entries);
        return new Ranking(entries, count > 0 ? [0, 1.0 / count] : [0]);
    }

    /// <summary>Mann–Whitney: the share of (defective, good) pairs in which the defective one scores higher,
    /// ties counted half.</summary>
    public double? Auroc()
    {
        if (positives == 0 || negatives == 0) return null;
        Int128 twiceWins = 0;
        long above = 0, passed = 0;
        for (var walk = Walk(); walk.Next(); (above, passed) = (walk.Positives, walk.Negatives))
            twiceWins += (Int128)(walk.Negatives - passed) * (above + walk.Positives);
        return (double)twiceWins / (2.0 * positives * negatives);
    }

    /// <summary>Average precision: Σ (Rₙ − Rₙ₋₁)·Pₙ over descending thresholds, no interpolation; null where there is
    /// nothing to tell the defective from.</summary>
    public double? AveragePrecision()
    {
        if (positives == 0 || negatives == 0) return null;
        double sum = 0;
        long above = 0;
        for (var walk = Walk(); walk.Next(); above = walk.Positives)
            sum += (walk.Positives - above) * (walk.Positives / (double)(walk.Positives + walk.Negatives));
        // divided once: no term is more than the positives it is for, so rounding cannot lead above 1
        return sum / positives;
    }

    /// <summary>F1 = 2TP / (2TP + FP + FN) at its best; null where there is nothing to tell the defective
    /// from.</summary>
    public BestF1? F1Max()
    {
        if (positives == 0 || negatives == 0) return null;
        BestF1 best = default;
        for (var walk = Walk(); walk.Next();)
        {
            double f1 = 2.0 * walk.Positives / (walk.Positives + walk.Negatives + positives);
            if (f1 >= best.Value) best = new(f1, walk.Threshold);
        }
        return best;
    }

    /// <summary>Per-region overlap: the area under <see cref="ProCurve"/> from rate 0 to <paramref name="limit"/>,
    /// divided by the limit; trapezia over all distinct scores, the last one cut by linear interpolation.</summary>
    public double? Pro(double limit = 0.3)
    {
        if (!(limit > 0 && limit <= 1))
            throw new ArgumentOutOfRangeException(nameof(limit), limit, "The limit of PRO lies in (0, 1].");
        if (positives == 0 || negatives == 0) return null;
        double area = 0;
        var last = new CurvePoint(0, 0);
        for (var walk = Walk(); last.X < limit && walk.Next();)
        {
            CurvePoint point = Overlap(walk);
            if (point.X > limit)
                point = new(limit, last.Y + (point.Y - last.Y) * (limit - last.X) / (point.X - last.X));
            area += (point.X - last.X) * (point.Y + last.Y) / 2;
            last = point;
        }
        return area / limit;
    }

    /// <summary>False-positive rate against recall, from (0, 0) to (1, 1), thinned for drawing.</summary>
    public IReadOnlyList<CurvePoint> Roc() => positives == 0 || negatives == 0 ? [] :
        Curve(walk => new((double)walk.Negatives / negatives, (double)walk.Positives / positives),
            new CurvePoint(0, 0));

    /// <summary>Recall against precision, thinned for drawing.</summary>
    public IReadOnlyList<CurvePoint> PrecisionRecall() => positives == 0 ? [] :
        Curve(walk => new((double)walk.Positives / positives,
            (double)walk.Positives / (walk.Positives + walk.Negatives)), null);

    /// <summary>False-positive rate against the mean over the components of the share that is found,
    /// thinned for drawing.</summary>
    public IReadOnlyList<CurvePoint> ProCurve() =>
        positives == 0 || negatives == 0 ? [] : Curve(Overlap, new CurvePoint(0, 0));

    private CurvePoint Overlap(ThresholdWalk walk) =>
        new((double)walk.Negatives / negatives, Math.Min(walk.Covered / components, 1));

    /// <summary>Points nearer than a 500th of the axes to the one before are not drawn; the last always is.</summary>
    private List<CurvePoint> Curve(Func<ThresholdWalk, CurvePoint> at, CurvePoint? start)
    {
        const double spacing = 1.0 / 500;
        List<CurvePoint> points = start is { } first ? [first] : [];
        CurvePoint last = default;
        for (var walk = Walk(); walk.Next();)
        {
            last = at(walk);
            if (points.Count == 0 || Math.Abs(last.X - points[^1].X) + Math.Abs(last.Y - points[^1].Y) >= spacing)
                points.Add(last);
        }
        if (points[^1] != last) points.Add(last);
        return points;
    }

    private ThresholdWalk Walk() => new(entries.Span, shares);
}
