namespace MlffAd.Execution;

/// <summary>Every term of the description as a forward and a backward closure over the kernels, written once; heirs
/// decide when they run.</summary>
public abstract class Operators : IExecutor
{
    /// <inheritdoc/>
    public abstract Value New(Shape shape, string name);

    /// <inheritdoc/>
    public abstract Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null);

    /// <inheritdoc/>
    public abstract Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None,
        Value? residual = null, Value? into = null);

    /// <summary>Stored numbers that do not train.</summary>
    protected abstract Value Constant(string name, Shape shape);

    /// <summary>Whether backward will be asked for the gradient to a value: else nothing is kept for it.</summary>
    protected virtual bool Differentiates(Value x) => false;

    /// <summary>One step of the computation.</summary>
    /// <param name="reads">Operands.</param>
    /// <param name="writes">Results, and what backward needs besides.</param>
    /// <param name="forward">Computes the results.</param>
    /// <param name="backward">Adds to the gradients of those operands that need one.</param>
    protected abstract void Run(ReadOnlySpan<Value?> reads, Value[] writes, Action forward, Action backward);

    /// <summary>A step that treats all channels alike, each by itself, and makes every position of its result a
    /// weighted mean of positions: it may change places with a linear map of the channels.</summary>
    /// <param name="x">Operand.</param>
    /// <param name="y">Result.</param>
    /// <param name="forward">From the operand's tensor to the result's.</param>
    /// <param name="backward">As in <see cref="Run"/>.</param>
    protected virtual void Mix(Value x, Value y, Action<Tensor, Tensor> forward, Action backward) =>
        Run([x], [y], () => forward(x.Tensor, y.Tensor), backward);

    /// <inheritdoc/>
    public Value MaxPool(Value x, int kernel, int stride, int pad)
    {
        var windows = new ConvGeometry(kernel, stride, pad);
        var shape = x.Shape with { H = windows.OutputSize(x.Shape.H), W = windows.OutputSize(x.Shape.W) };
        Value y = New(shape, x.Name + ".max");
        Value? index = Differentiates(x) ? New(shape, x.Name + ".winner") : null;
        Run([x], index is null ? [y] : [y, index],
            () => Pooling.Max(x.Tensor, y.Tensor, index?.Tensor, kernel, stride, pad),
            () => Pooling.MaxGradient(y.Gradient, index!.Tensor, x.Receive(out bool add), kernel, stride, pad, add));
        return y;
    }

    /// <inheritdoc/>
    public Value AveragePool(Value x, int kernel, Value? into = null)
    {
        var y = into ?? New(x.Shape with { H = x.Shape.H / kernel, W = x.Shape.W / kernel }, x.Name + ".mean");
        Mix(x, y,
            (from, to) => Pooling.Average(from, to, kernel),
            () => Pooling.AverageGradient(y.Gradient, x.Receive(out bool add), kernel, add));
        return y;
    }

    /// <inheritdoc/>
    public Value Nearest(Value x, int factor)
    {
        var y = New(x.Shape with { H = x.Shape.H * factor, W = x.Shape.W * factor }, x.Name + ".nearest");
        Mix(x, y,
            Resize.Nearest,
            () => Resize.NearestGradient(y.Gradient, x.Receive(out bool add), add));
        return y;
    }

    /// <inheritdoc/>
    public Value Bilinear(Value x, int side, bool alignCorners, Value? into = null)
    {
        var y = into ?? New(x.Shape with { H = side, W = side }, x.Name + ".bilinear");
        Mix(x, y,
            (from, to) => Resize.Bilinear(from, to, alignCorners),
            () => Resize.BilinearGradient(y.Gradient, x.Receive(out bool add), alignCorners, add));
        return y;
    }

    /// <inheritdoc/>
    public Value Add(Value a, Value b, Activation f = Activation.None)
    {
        var y = New(a.Shape, a.Name + ".sum");
        Run([a, b], [y],
            () =>
            {
                Pointwise.Add(a.Tensor, b.Tensor, y.Tensor);
                if (f != Activation.None) Pointwise.Apply(f, y.Tensor, y.Tensor);
            },
            () =>
            {
                foreach (var operand in (ReadOnlySpan<Value>)[a, b])
                    if (operand.NeedsGradient)
                        Pointwise.Gradient(f, y.Tensor, y.Gradient, operand.Receive(out bool add), add);
            });
        return y;
    }

    /// <inheritdoc/>
    public Value Multiply(Value a, Value b)
    {
        var y = New(a.Shape, a.Name + ".product");
        Run([a, b], [y],
            () => Pointwise.Multiply(a.Tensor, b.Tensor, y.Tensor),
            () =>
            {
                if (a.NeedsGradient) Pointwise.Multiply(y.Gradient, b.Tensor, a.Receive(out bool add), add);
                if (b.NeedsGradient) Pointwise.Multiply(y.Gradient, a.Tensor, b.Receive(out bool add), add);
            });
        return y;
    }

    /// <inheritdoc/>
    public (Value G, Value M) CosineToMean(Value x, int regionsPerSide)
    {
        int s = regionsPerSide;
        Value g = New(Shape.Of(x.Shape.N, s * s, x.Shape.C), x.Name + ".means");
        Value m = New(Shape.Of(x.Shape.N, x.Shape.Area, 1), x.Name + ".similarities");
        Run([x], [g, m],
            () => Kernels.CosineToMean.Forward(x.Tensor, g.Tensor, m.Tensor, s),
            () => Kernels.CosineToMean.Gradient(
                new(x.Tensor, g.Tensor, m.Tensor, m.Gradient, x.Receive(out bool add))
                {
                    Dg = g.HasGradient ? g.Gradient : null,
                    Add = add,
                }, s));
        return (g, m);
    }

    /// <inheritdoc/>
    public (Value Rows, Value Range) Count1D(Value m, Quantization q)
    {
        Value rows = New(Shape.Of(m.Shape.N, q.Levels, 2), m.Name + ".counts");
        Value range = New(Shape.Of(m.Shape.N, 1, 4), m.Name + ".range");
        Run([m], [rows, range], () => QuantizeCount1D.Forward(m.Tensor, q, range.Tensor, rows.Tensor),
            () => QuantizeCount1D.Gradient(m.Tensor, q, range.Tensor, rows.Tensor, rows.Gradient,
                m.Receive(out bool add), add));
        return (rows, range);
    }

    /// <inheritdoc/>
    public Value Count2D(Value m, int regions, Quantization q)
    {
        Value rows = New(Shape.Of(m.Shape.N, regions * q.Levels * q.Levels, 3), m.Name + ".pairs");
        Value range = New(Shape.Of(m.Shape.N, regions, 4), m.Name + ".range");
        Run([m], [rows, range], () => QuantizeCount2D.Forward(m.Tensor, regions, q, range.Tensor, rows.Tensor),
            () => QuantizeCount2D.Gradient(m.Tensor, regions, q, range.Tensor, rows.Tensor, rows.Gradient,
                m.Receive(out bool add), add));
        return rows;
    }

    /// <inheritdoc/>
    public Value LevelsToPixels(Value m, Quantization q, Value range, Value d, Value into)
    {
        Run([m, range, d], [into],
            () => Kernels.LevelsToPixels.Forward(m.Tensor, q, range.Tensor, d.Tensor, into.Tensor),
            () =>
            {
                Tensor dd = d.Receive(out bool addD), dm = m.Receive(out bool addM);
                Kernels.LevelsToPixels.Gradient(m.Tensor, q, range.Tensor, d.Tensor, into.Gradient,
                    new(dd, addD), new(dm, addM));
            });
        return into;
    }

    /// <inheritdoc/>
    public Value BroadcastRows(Value g, Value into)
    {
        Mix(g, into,
            Broadcast.Rows,
            () => Broadcast.RowsGradient(into.Gradient, g.Receive(out bool add), add));
        return into;
    }

    /// <inheritdoc/>
    public Value RowMean(Value x, int k)
    {
        var y = New(x.Shape with { W = x.Shape.W / k }, x.Name + ".mean");
        Mix(x, y,
            Pooling.RowMean,
            () => Pooling.RowMeanGradient(y.Gradient, x.Receive(out bool add), add));
        return y;
    }

    /// <inheritdoc/>
    public Value Attention(Value k, Value q, Value v)
    {
        int levels = k.Shape.Area;
        Value weights = New(Shape.Of(k.Shape.N, levels, levels), k.Name + ".attention");
        Value y = New(v.Shape, v.Name + ".mixed");
        Run([k, q, v], [y, weights],
            () => Kernels.Attention.Forward(k.Tensor, q.Tensor, v.Tensor, weights.Tensor, y.Tensor),
            () =>
            {
                Tensor dk = k.Receive(out bool addK), dq = q.Receive(out bool addQ), dv = v.Receive(out bool addV);
                Kernels.Attention.Gradient(k.Tensor, q.Tensor, v.Tensor, weights.Tensor, y.Gradient,
                    new(dk, addK), new(dq, addQ), new(dv, addV));
            });
        return y;
    }

    /// <inheritdoc/>
    public Value Distance(Value F)
    {
        var S = New(F.Shape.WithC(1), "S");
        Run([F], [S],
            () => Losses.Distance(F.Tensor, S.Tensor),
            () => Losses.DistanceGradient(F.Tensor, S.Gradient, F.Receive(out bool add), add));
        return S;
    }

    /// <inheritdoc/>
    public Value LocalMean(Value x, LocalWindow window, Value? into = null)
    {
        var y = into ?? New(x.Shape, x.Name + ".local");
        Mix(x, y,
            (from, to) => Kernels.LocalMean.Forward(from, to, window),
            () => Kernels.LocalMean.Gradient(y.Gradient, x.Receive(out bool add), window, add));
        return y;
    }

    /// <inheritdoc/>
    public Value Place(string step, Value into)
    {
        var s = Constant(step, Shape.Of(1, 1, 1));
        Run([s], [into], () => Cells.Place(s.Tensor, into.Tensor), () => { });
        return into;
    }

    /// <inheritdoc/>
    public virtual (Value Distance, Value Index) NearestVector(Value x, int count, string vectors, string groups)
    {
        var memory = Constant(vectors, Shape.Of(1, count, x.Shape.C));
        Constant(groups, Shape.Of(1, count, 1));
        Value d = New(x.Shape.WithC(1), "memory.distance"), index = New(x.Shape.WithC(1), "memory.nearest");
        Run([x, memory], [d, index],
            () => Kernels.NearestVector.Forward(x.Tensor, memory.Tensor, d.Tensor, index.Tensor),
            () => Kernels.NearestVector.QueryGradient(x.Tensor, memory.Tensor, d.Tensor, index.Tensor, d.Gradient,
            x.Receive(out bool add), add));
        return (d, index);
    }

    /// <inheritdoc/>
    public Value Standardise(Value d, Value? index, int count, string scales)
    {
        var s = Constant(scales, Shape.Of(1, count, 2));
        var y = New(d.Shape, d.Name + ".standard");
        Run([d, index, s], [y],
            () => Cells.Standardise(d.Tensor, index?.Tensor, s.Tensor, y.Tensor),
            () => Cells.StandardiseGradient(y.Gradient, index?.Tensor, s.Tensor, d.Receive(out bool add), add));
        return y;
    }
}
