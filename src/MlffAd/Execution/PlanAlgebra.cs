using System.Numerics;

namespace MlffAd.Execution;

/// <summary>Rewrites a plan into an equal one with less arithmetic (but for rounding): consecutive convolutions without
/// an activation between them are composed, and a 1×1 convolution is moved before an enlargement or repetition, or
/// after a mean, to run on fewer positions.</summary>
/// <remarks>In the network: the score's vector, the fusion and the self-calibrated module's last convolution become one
/// convolution with a single output; the statistics' third layer multiplies a region's mean once instead of once a row;
/// the mean over a region's pairs goes before the fourth layer.</remarks>
internal sealed class PlanAlgebra(List<PlanStep> steps, IReadOnlyList<Value> outputs)
{
    /// <summary>Applies the rules until none applies, then drops dead steps. Composition runs first: the step that
    /// <see cref="MixLast"/> inserts between two convolutions would hide them from it.</summary>
    public void Simplify()
    {
        do
            while (steps.RemoveAll(step => !Array.Exists(step.Writes, IsRead)) > 0) { }
        while (steps.OfType<ConvStep>().Any(Compose) || steps.OfType<ConvStep>().Any(MixLast)
            || steps.OfType<MixStep>().Any(MixFirst));
    }

    /// <summary><c>B·(A ∗ x + a) + b = (B·A) ∗ x + (B·a + b)</c>, where that is less work.</summary>
    private bool Compose(ConvStep b)
    {
        if (!b.IsPointwise || Source(b.X, b) is not ConvStep { IsLinear: true } a || a.Y.Shape != b.X.Shape)
            return false;
        int outputs = b.Y.Shape.C, middle = a.Y.Shape.C, terms = a.Filter.Terms;
        if ((long)outputs * terms >= (long)middle * (terms + outputs)) return false;
        float[] weights = new float[outputs * terms];
        float[] bias = new float[outputs], left = new float[middle], right = new float[terms];
        var sums = new double[terms];
        for (int o = 0; o < outputs; o++)
        {
            Array.Clear(sums);
            double constant = b.Filter.Bias?[o] ?? 0;
            var factors = b.Filter.Row(o, left);
            for (int m = 0; m < middle; m++)
            {
                constant += (double)factors[m] * (a.Filter.Bias?[m] ?? 0);
                AddScaled(sums, factors[m], a.Filter.Row(m, right));
            }
            for (int t = 0; t < terms; t++) weights[o * terms + t] = (float)sums[t];
            bias[o] = (float)constant;
        }
        Replace(b, new ConvStep(name: $"{b.Name}·{a.Name}", geometry: a.Geometry, x: a.X,
            filter: new Filter(weights, outputs, null, bias), residual: b.Residual, f: b.F, y: b.Y));
        steps.Remove(a);
        return true;
    }

    /// <summary>Where an operand, or a part of it, was enlarged or repeated from fewer positions: multiplies there, and
    /// enlarges the products.</summary>
    private bool MixLast(ConvStep c)
    {
        if (!c.IsPointwise || c.Residual is not null) return false;
        int first = c.X.Start, end = first + c.X.Shape.C;
        foreach (var mix in steps.OfType<MixStep>())
        {
            int from = mix.Y.Start, to = from + mix.Y.Shape.C;
            bool isPart = mix.Y.Root == c.X.Root && from >= first && to <= end && (from == first || to == end);
            bool isWhole = from == first && to == end;
            if (!isPart || (isWhole && !c.IsLinear) || mix.X.Shape.Rows >= c.X.Shape.Rows
                || mix.Y.Shape.WithC(1) != c.X.Shape.WithC(1)) continue;
            int outputs = c.Y.Shape.C;
            if (isWhole)
            {
                var product = new Value(mix.X.Shape.WithC(outputs), c.Name + ".few");
                int place = steps.IndexOf(c);
                steps[place] = mix.Between(product, c.Y);
                steps.Insert(place, new ConvStep(name: c.Name, geometry: c.Geometry, x: mix.X, filter: c.Filter,
                    residual: null, f: Activation.None, y: product));
                return true;
            }
            Value few = new(mix.X.Shape.WithC(outputs), c.Name + ".part");
            Value many = new(c.Y.Shape, c.Name + ".part.mixed");
            var rest = from == first ? c.X.Slice(to - first, end - to) : c.X.Slice(0, from - first);
            int at = steps.IndexOf(c);
            steps[at] = new ConvStep(name: c.Name, geometry: c.Geometry, x: rest,
                filter: Columns(c, rest.Start - first, rest.Shape.C, c.Filter.Bias), residual: many, f: c.F, y: c.Y);
            steps.Insert(at, mix.Between(few, many));
            steps.Insert(at, new ConvStep(name: few.Name, geometry: c.Geometry, x: mix.X,
                filter: Columns(c, from - first, to - from, null), residual: null, f: Activation.None, y: few));
            return true;
        }
        return false;
    }

    /// <summary>Moves a 1×1 convolution behind the mean that follows it.</summary>
    private bool MixFirst(MixStep mix)
    {
        if (mix.Y.Shape.Rows >= mix.X.Shape.Rows
            || Source(mix.X, mix) is not ConvStep { IsLinear: true, IsPointwise: true } c || c.Y.Shape != mix.X.Shape)
            return false;
        var mean = new Value(mix.Y.Shape.WithC(c.X.Shape.C), c.Name + ".mean");
        int at = steps.IndexOf(mix);
        steps[at] = new ConvStep(name: c.Name, geometry: c.Geometry, x: mean, filter: c.Filter, residual: null, f: c.F,
            y: mix.Y);
        steps.Insert(at, mix.Between(c.X, mean));
        steps.Remove(c);
        return true;
    }

    /// <summary>The step that alone writes a value which <paramref name="reader"/> alone reads; null if
    /// there are several.</summary>
    private PlanStep? Source(Value value, PlanStep reader)
    {
        if (outputs.Any(value.Overlaps)) return null;
        PlanStep? source = null;
        foreach (var step in steps)
        {
            if (step != reader && Array.Exists(step.Reads, value.Overlaps)) return null;
            foreach (var written in step.Writes)
            {
                if (!value.Overlaps(written)) continue;
                if (source is not null || written.Start != value.Start || written.Shape.C != value.Shape.C) return null;
                source = step;
            }
        }
        return source;
    }

    private bool IsRead(Value value) =>
        outputs.Any(value.Overlaps) || steps.Exists(step => Array.Exists(step.Reads, value.Overlaps));

    private void Replace(PlanStep old, PlanStep step) => steps[steps.IndexOf(old)] = step;

    /// <summary>Some columns of a 1×1 convolution's weights [Cout, Cin].</summary>
    private static Filter Columns(ConvStep c, int start, int count, float[]? bias)
    {
        int outputs = c.Y.Shape.C;
        float[] columns = new float[outputs * count], row = new float[c.X.Shape.C];
        for (int o = 0; o < outputs; o++) c.Filter.Row(o, row).Slice(start, count).CopyTo(columns.AsSpan(o * count));
        return new Filter(columns, outputs, null, bias);
    }

    private static void AddScaled(Span<double> sums, double factor, ReadOnlySpan<float> row)
    {
        int t = 0, half = Vector<double>.Count;
        for (; t <= row.Length - 2 * half; t += 2 * half)
        {
            var some = new Vector<float>(row[t..]);
            (new Vector<double>(sums[t..]) + factor * Vector.WidenLower(some)).CopyTo(sums[t..]);
            (new Vector<double>(sums[(t + half)..]) + factor * Vector.WidenUpper(some)).CopyTo(sums[(t + half)..]);
        }
        for (; t < row.Length; t++) sums[t] += factor * row[t];
    }
}
