namespace MlffAd.Execution.Onnx;

public sealed partial class OnnxWriter
{
    /// <inheritdoc/>
    public Value LocalMean(Value x, LocalWindow window, Value? into = null)
    {
        var (h, w, c, side) = (x.Shape.H, x.Shape.W, x.Shape.C, 2 * window.Radius + 1);
        float[] along = [.. Enumerable.Range(-window.Radius, side).Select(d => window.Weight(Math.Abs(d)))];
        float[] square = [.. along.SelectMany(a => along, (a, b) => a * b)];
        string weights = _g.Floats([.. Enumerable.Repeat(square, c).SelectMany(s => s)], c, 1, side, side);
        string sums = _g.Node("Conv", [Name(x), weights], ("kernel_shape", Twice(side)), ("group", c),
            ("pads", Enumerable.Repeat((long)window.Radius, 4).ToArray()));
        // Beyond the border there is nothing: the sum is divided by the weights of what there is.
        float[] rows = window.InverseSums(h), columns = window.InverseSums(w);
        string inverse = _g.Floats([.. rows.SelectMany(_ => columns, (a, b) => a * b)], 1, 1, h, w);
        return Set(into ?? New(x.Shape, x.Name + ".local"), _g.Node("Mul", [sums, inverse]));
    }

    /// <inheritdoc/>
    public Value Place(string step, Value into)
    {
        int h = into.Shape.H, w = into.Shape.W;
        float s = _weights[step][0];
        var cells = Enumerable.Range(0, h * w);
        float[] places = [.. cells.Select(i => s * (i / w)), .. cells.Select(i => s * (i % w))];
        string images = _g.Node("Shape", [_image], ("start", 0), ("end", 1));
        string shape = _g.Node("Concat", [images, _g.Integers(2, h, w)], ("axis", 0));
        return Set(into, _g.Node("Expand", [_g.Floats(places, 1, 2, h, w), shape]));
    }

    /// <summary>Ranks by one product, ½‖m‖² − q·m, say which vector is nearest; its distance is that of the
    /// differences, which no cancellation harms. A cell that is not a number has some index, and a distance that is
    /// none.</summary>
    /// <inheritdoc/>
    public (Value Distance, Value Index) NearestVector(Value x, int count, string vectors, string groups)
    {
        int d = x.Shape.C;
        var m = _weights[vectors];
        float[] halves = new float[count];
        for (int j = 0; j < count; j++)
        {
            double square = 0;
            foreach (float v in m.Slice(j * d, d)) square += (double)v * v;
            halves[j] = (float)(0.5 * square);
        }
        string memory = _g.Floats(m, count, d);
        string cells = _g.Node("Transpose", [Reshape(Name(x), 0, d, x.Shape.Area)], ("perm", new long[] { 0, 2, 1 }));
        string product = _g.Node("MatMul", [cells, _g.Node("Transpose", [memory], ("perm", new long[] { 1, 0 }))]);
        string index =
            _g.Node("ArgMin", [_g.Node("Sub", [_g.Floats(halves, count), product])], ("axis", 2), ("keepdims", 0));
        string differences = _g.Node("Sub", [cells, _g.Node("Gather", [memory, index], ("axis", 0))]);
        string squares = _g.Node("ReduceSumSquare", [differences, _g.Integers(2)], ("keepdims", 0));
        string distance = Reshape(_g.Node("Sqrt", [squares]), 0, 1, x.Shape.H, x.Shape.W);
        return (Set(New(x.Shape.WithC(1), "memory.distance"), distance),
            Set(New(x.Shape.WithC(1), "memory.nearest"), index));
    }

    /// <inheritdoc/>
    public Value Standardise(Value d, Value? index, int count, string scales)
    {
        int h = d.Shape.H, w = d.Shape.W;
        float[] all = _weights[scales].ToArray();
        string Column(int which)
        {
            float[] column = [.. Enumerable.Range(0, count).Select(k => all[2 * k + which])];
            return index is null ? _g.Floats(column, 1, 1, h, w)
                : Reshape(_g.Node("Gather", [_g.Floats(column, count), Name(index)], ("axis", 0)), 0, 1, h, w);
        }
        return Set(New(d.Shape, d.Name + ".standard"),
            _g.Node("Mul", [_g.Node("Sub", [Name(d), Column(0)]), Column(1)]));
    }

    /// <summary>The score of each image (spec §14), of its cells [N, 1, M, M] and pixels [N, 1, S, S].</summary>
    private string Readout(string cells, string pixels)
    {
        int largest = _config.HasMemory ? _config.Memory.Readout : 0;
        string flat = Reshape(cells, 0, _config.Cells);
        string score = largest == 0 ? _g.Node("ReduceMax", [pixels, _g.Integers(1, 2, 3)], ("keepdims", 0))
            : _g.Node("ReduceMean", [_g.Largest(flat, largest), _g.Integers(1)], ("keepdims", 0));
        // TopK and, by where it lies, ReduceMax lose what is not a number; 0·Σ brings it back.
        string all = _g.Node("ReduceSum", [flat, _g.Integers(1)], ("keepdims", 0));
        return _g.Node("Add", [score, _g.Node("Mul", [all, _g.Floats([0], 1)])]);
    }
}
