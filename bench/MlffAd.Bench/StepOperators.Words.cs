namespace MlffAd.Bench;

/// <summary>The network's words: each notes its forward at once, and its gradients on the way back.</summary>
public sealed partial class StepOperators
{
    /// <inheritdoc/>
    public Value New(Shape shape, string name) => In(_maps.Of(shape, name), new(shape, name) { NeedsGradient = true });

    /// <inheritdoc/>
    public Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null)
    {
        var g = layer.Geometry;
        Value y = into ?? New(layer.Output(x.Shape), layer.Name),
            w = In(x.Shape.C % 8 == 0 ? FormatOf(x) | FormatOf(y) : Format.Float32, Of(layer.Weight(x.Shape.C), "w")),
            dw = Of(w.Shape, "dw"), b = Of(Shape.Of(layer.Outputs), "b");
        bool bias = layer.Layout == WeightLayout.Score;
        string what =
            $"{g.Kernel}×{g.Kernel}{(g.Stride > 1 ? $"/{g.Stride}" : "")} {x.Shape.C}{Text(FormatOf(x))} → {Text(y)}";
        Note("convolution", what + Text(f), [x, w, b, y],
            t => Convolution.Forward(t[0], t[1], bias ? t[2] : null, t[3], g, null, f));
        _backward.Push(() =>
        {
            // The activation's gradient replaces the output's; y = 1 keeps it from fading away.
            if (f != Activation.None) Note("pointwise.activation.gradient", $"{Text(y)}{Text(f)} in place", [y, y],
                t => Pointwise.Gradient(f, t[0], t[1], t[1]), t => Pointwise.Fill(t[0], 1));
            Note("convolution.gradient.weight", what, [x, y, dw], t => Convolution.WeightGradient(t[0], t[1], t[2], g));
            if (bias) Note("convolution.gradient.bias", Text(y), [y, b], t => Convolution.BiasGradient(t[0], t[1]));
            if (x.NeedsGradient && Adds(x) is var add) Note("convolution.gradient.input", what + Text(add), [y, w, x],
                t => Convolution.InputGradient(t[0], t[1], t[2], g, add));
        });
        return y;
    }

    /// <inheritdoc/>
    public Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None, Value? residual = null,
        Value? into = null)
    {
        Value raw = Conv(layer, x), y = into ?? New(raw.Shape, bn), c = Of(Shape.Of(layer.Outputs), "c");
        string what = $"{Text(y)}{Text(f)}{(residual is null ? "" : " + residual")}";
        Value[] residuals = residual is null ? [] : [residual];
        static void One(Tensor variance) => Pointwise.Fill(variance, 1);
        Note("batchnorm.statistics", Text(raw), [raw, c, c], t => BatchNorm.Statistics(t[0], t[1], t[2]));
        Note("batchnorm.apply", what, [raw, c, c, c, c, y, .. residuals],
            t => BatchNorm.Apply(t[0], new(t[1], t[2], t[3], t[4]), t[5], t.ElementAtOrDefault(6), f), t => One(t[2]));
        _backward.Push(() =>
        {
            bool addX = Adds(raw), addResidual = residual is not null && Adds(residual);
            Note("batchnorm.gradient", what + Text(addResidual), [raw, c, c, c, y, y, raw, c, c, .. residuals],
                t => BatchNorm.Gradient(
                    new(t[0], t[4], t[5])
                    {
                        Dx = t[6],
                        AddX = addX,
                        Dresidual = t.ElementAtOrDefault(9),
                        AddResidual = addResidual,
                        FollowsFromX = residual is null,
                    }, new(t[1], t[2], t[3], t[3]), t[7], t[8], f), t => One(t[2]));
        });
        return y;
    }

    /// <inheritdoc/>
    public Value MaxPool(Value x, int kernel, int stride, int pad)
    {
        var windows = new ConvGeometry(kernel, stride, pad);
        Value y = New(x.Shape with { H = windows.OutputSize(x.Shape.H), W = windows.OutputSize(x.Shape.W) },
            x.Name + ".max");
        Note("pooling.max", $"{kernel}×{kernel}/{stride} → {Text(y)}", [x, y, y],
            t => Pooling.Max(t[0], t[1], t[2], kernel, stride, pad));
        _backward.Push(() =>
        {
            bool add = Adds(x);
            Note("pooling.max.gradient", $"{kernel}×{kernel}/{stride} → {Text(y)}{Text(add)}", [y, y, x],
                t => Pooling.MaxGradient(t[0], t[1], t[2], kernel, stride, pad, add), t =>
                Pooling.Max(t[2], t[0], t[1], kernel, stride, pad));
        });
        return y;
    }

    /// <inheritdoc/>
    public Value AveragePool(Value x, int kernel, Value? into = null) =>
        Blocks(x, into ?? New(x.Shape with { H = x.Shape.H / kernel, W = x.Shape.W / kernel }, x.Name + ".mean"),
            sums: true, (t, u) => Pooling.Average(t, u, kernel), (t, u, add) =>
            Pooling.AverageGradient(t, u, kernel, add));

    /// <inheritdoc/>
    public Value Nearest(Value x, int factor) =>
        Blocks(x, New(x.Shape with { H = x.Shape.H * factor, W = x.Shape.W * factor }, x.Name + ".nearest"),
            sums: false, Resize.Nearest, Resize.NearestGradient);

    /// <inheritdoc/>
    public Value BroadcastRows(Value g, Value into) =>
        Blocks(g, into, sums: false, Broadcast.Rows, Broadcast.RowsGradient);

    /// <inheritdoc/>
    public Value RowMean(Value x, int k) =>
        Blocks(x, New(x.Shape with { W = x.Shape.W / k }, x.Name + ".mean"), sums: true, Pooling.RowMean,
        Pooling.RowMeanGradient);

    /// <summary>Blocks of positions summed to one, or one spread over a block; each is the other's gradient.</summary>
    private Value Blocks(Value x, Value y, bool sums, Action<Tensor, Tensor> forward, Action<Tensor, Tensor,
        bool> gradient)
    {
        string Name(bool sum) => sum ? "blocks.sum" : "blocks.spread";
        Note(Name(sums), $"{Text(x)} → {Text(y)}", [x, y], t => forward(t[0], t[1]));
        _backward.Push(() =>
        {
            bool add = Adds(x);
            Note(Name(!sums), $"{Text(y)} → {Text(x)}{Text(add)}", [y, x], t => gradient(t[0], t[1], add));
        });
        return y;
    }

    /// <inheritdoc/>
    public Value Bilinear(Value x, int side, bool alignCorners, Value? into = null)
    {
        Value y = into ?? New(x.Shape with { H = side, W = side }, x.Name + ".bilinear");
        Note("resize.bilinear", $"{Text(x)} → {Text(y)}", [x, y], t => Resize.Bilinear(t[0], t[1], alignCorners));
        _backward.Push(() =>
        {
            bool add = Adds(x);
            Note("resize.bilinear.gradient", $"{Text(y)} → {Text(x)}{Text(add)}", [y, x],
                t => Resize.BilinearGradient(t[0], t[1], alignCorners, add));
        });
        return y;
    }

    /// <inheritdoc/>
    public Value Add(Value a, Value b, Activation f = Activation.None)
    {
        Value y = New(a.Shape, a.Name + ".sum");
        Note("pointwise.add", Text(y), [a, b, y], t => Pointwise.Add(t[0], t[1], t[2]));
        if (f != Activation.None) Note("pointwise.activation", $"{Text(y)}{Text(f)} in place", [y],
            t => Pointwise.Apply(f, t[0], t[0]));
        _backward.Push(() =>
        {
            foreach (var operand in (Value[])[a, b])
                if (Adds(operand) is var add) Note("pointwise.activation.gradient", $"{Text(y)}{Text(f)}{Text(add)}",
                    [y, y, operand], t => Pointwise.Gradient(f, t[0], t[1], t[2], add));
        });
        return y;
    }

    /// <inheritdoc/>
    public Value Multiply(Value a, Value b)
    {
        Value y = New(a.Shape, a.Name + ".product");
        Note("pointwise.multiply", Text(y), [a, b, y], t => Pointwise.Multiply(t[0], t[1], t[2]));
        _backward.Push(() =>
        {
            foreach (var (other, operand) in ((Value, Value)[])[(b, a), (a, b)])
                if (Adds(operand) is var add) Note("pointwise.multiply", Text(y) + Text(add), [y, other, operand],
                    t => Pointwise.Multiply(t[0], t[1], t[2], add));
        });
        return y;
    }

    /// <inheritdoc/>
    public (Value G, Value M) CosineToMean(Value x, int regionsPerSide)
    {
        int s = regionsPerSide;
        Value g = New(Shape.Of(x.Shape.N, s * s, x.Shape.C), x.Name + ".means"),
            m = New(Shape.Of(x.Shape.N, x.Shape.Area, 1), x.Name + ".similarities");
        string what = $"{Text(x)}, {s}×{s} regions";
        Note("quantization.cosine", what, [x, g, m], t => Kernels.CosineToMean.Forward(t[0], t[1], t[2], s));
        _backward.Push(() =>
        {
            bool add = Adds(x);
            Note("quantization.cosine.gradient", what + Text(add), [x, g, m, g, m, x],
                t => Kernels.CosineToMean.Gradient(new(t[0], t[1], t[2], t[4], t[5]) { Dg = t[3], Add = add }, s),
                t => Kernels.CosineToMean.Forward(t[0], t[1], t[2], s));
        });
        return (g, m);
    }

    /// <inheritdoc/>
    public (Value Rows, Value Range) Count1D(Value m, Quantization q)
    {
        Value rows = New(Shape.Of(m.Shape.N, q.Levels, 2), m.Name + ".counts"),
            range = New(Shape.Of(m.Shape.N, 1, 4), m.Name + ".range");
        string what = $"{m.Shape}, {q.Levels} levels";
        Note("quantization.count1d", what, [m, range, rows], t => QuantizeCount1D.Forward(t[0], q, t[1], t[2]));
        _backward.Push(() =>
        {
            bool add = Adds(m);
            Note("quantization.count1d.gradient", what + Text(add), [m, range, rows, rows, m],
                t => QuantizeCount1D.Gradient(t[0], q, t[1], t[2], t[3], t[4], add), t =>
                QuantizeCount1D.Forward(t[0], q, t[1], t[2]));
        });
        return (rows, range);
    }

    /// <inheritdoc/>
    public Value Count2D(Value m, int regions, Quantization q)
    {
        Value rows = New(Shape.Of(m.Shape.N, regions * q.Levels * q.Levels, 3), m.Name + ".pairs"),
            range = New(Shape.Of(m.Shape.N, regions, 4), m.Name + ".range");
        string what = $"{m.Shape}, {regions} regions, {q.Levels}² levels";
        Note("quantization.count2d", what, [m, range, rows],
            t => QuantizeCount2D.Forward(t[0], regions, q, t[1], t[2]));
        _backward.Push(() =>
        {
            bool add = Adds(m);
            Note("quantization.count2d.gradient", what + Text(add), [m, range, rows, rows, m],
                t => QuantizeCount2D.Gradient(t[0], regions, q, t[1], t[2], t[3], t[4], add), t =>
                QuantizeCount2D.Forward(t[0], regions, q, t[1], t[2]));
        });
        return rows;
    }

    /// <inheritdoc/>
    public Value LevelsToPixels(Value m, Quantization q, Value range, Value d, Value into)
    {
        Value rows = Of(Shape.Of(m.Shape.N, q.Levels, 2), "counts");
        string what = $"{q.Levels} levels → {Text(into)}";
        void Levels(Tensor[] t) => QuantizeCount1D.Forward(t[0], q, t[1], t[2]);
        Note("quantization.pixels", what, [m, range, rows, d, into],
            t => Kernels.LevelsToPixels.Forward(t[0], q, t[1], t[3], t[4]), Levels);
        _backward.Push(() =>
        {
            bool addD = Adds(d), addM = Adds(m);
            Note("quantization.pixels.gradient", what + Text(addD || addM), [m, range, rows, d, into, d, m],
                t => Kernels.LevelsToPixels.Gradient(t[0], q, t[1], t[3], t[4],
                    new(t[5], addD), new(t[6], addM)), Levels);
        });
        return into;
    }

    /// <inheritdoc/>
    public Value Attention(Value k, Value q, Value v)
    {
        Value weights = New(Shape.Of(k.Shape.N, k.Shape.Area, k.Shape.Area), k.Name + ".attention"),
            y = New(v.Shape, v.Name + ".mixed");
        string what = $"{k.Shape.Area} levels, {Text(v)}";
        void Weights(Tensor[] t) => Kernels.Attention.Forward(t[0], t[1], t[2], t[3], t[4]);
        Note("attention", what, [k, q, v, weights, y], Weights);
        _backward.Push(() =>
        {
            bool addK = Adds(k), addQ = Adds(q), addV = Adds(v);
            Note("attention.gradient", what + Text(addK || addQ || addV), [k, q, v, weights, y, k, q, v],
                t => Kernels.Attention.Gradient(t[0], t[1], t[2], t[3], t[4],
                    new(t[5], addK), new(t[6], addQ), new(t[7], addV)),
                Weights);
        });
        return y;
    }

    /// <inheritdoc/>
    public Value Distance(Value F)
    {
        var S = New(F.Shape.WithC(1), "S");
        Note("losses.distance", $"{F.Shape}", [F, S], t => Losses.Distance(t[0], t[1]));
        _backward.Push(() =>
        {
            bool add = Adds(F);
            Note("losses.distance.gradient", $"{F.Shape}{Text(add)}", [F, S, F],
                t => Losses.DistanceGradient(t[0], t[1], t[2], add));
        });
        return S;
    }
}
