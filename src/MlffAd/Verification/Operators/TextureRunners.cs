namespace MlffAd.Verification;

internal static partial class OperatorRunners
{
    private static void Cosine(OperatorCase c)
    {
        int s = c.Int("scale");
        var x = c.Input("x");
        Shape similarities = Shape.Of(x.Shape.N, x.Shape.Area, 1);
        Tensor g = c.Rent("g"), m = c.Rent(similarities, "m"), dx = c.Rent("x");
        CosineToMean.Forward(x, g, m, s);
        CosineToMean.Gradient(new(x, g, m, c.Input("d_m", similarities), dx) { Dg = c.Input("d_g") }, s);
        c.Result("g", g);
        c.Result("m", m);
        c.Result("d_x", dx);
    }

    private static void Count1D(OperatorCase c)
    {
        var q = Levels(c);
        Shape features = c.ShapeOf("D"), similarities = Shape.Of(features.N, c.ShapeOf("m").C, 1);
        Tensor m = c.Input("m", similarities), d = c.Input("D");
        Tensor range = c.Rent(Shape.Of(features.N, 1, 4), "range");
        Tensor rows = c.Rent(Shape.Of(features.N, q.Levels, 2), "rows");
        Tensor r = c.Rent("R");
        QuantizeCount1D.Forward(m, q, range, rows);
        LevelsToPixels.Forward(m, q, range, d, r);
        c.Result("L", rows.Slice(0, 1));
        c.Result("c", rows.Slice(1, 1));
        c.Result("R", r);
        // E itself is never stored; the features that are the levels' unit vectors give its rows back.
        Tensor units = c.Rent(Shape.Of(features.N, q.Levels, q.Levels), "units"), e = c.Rent("E");
        units.Write(
            [.. Enumerable.Range(0, (int)units.Count).Select(i => i / q.Levels % q.Levels == i % q.Levels ? 1f : 0f)]);
        LevelsToPixels.Forward(m, q, range, units, e);
        c.Result("E", e);
        if (!c.HasUpstream) return;

        Tensor dRows = c.Rent(rows.Shape, "dRows"), dm = c.Rent(similarities, "dm"), dd = c.Rent("D");
        dRows.Slice(0, 1).Write(c.Input("d_L").ToArray());
        dRows.Slice(1, 1).Write(c.Input("d_c").ToArray());
        QuantizeCount1D.Gradient(m, q, range, rows, dRows, dm);
        LevelsToPixels.Gradient(m, q, range, d, c.Input("d_R"), dd, new(dm, Add: true));
        c.Result("d_m", dm);
        c.Result("d_D", dd);
    }

    private static void Count2D(OperatorCase c)
    {
        var q = Levels(c);
        Shape file = c.ShapeOf("m");   // [N, regions, h, h]
        int regions = file.H, n = q.Levels;
        Tensor m = c.Input("m", Shape.Of(file.N, regions * file.W * file.C, 1));
        Tensor range = c.Rent(Shape.Of(file.N, regions, 4), "range");
        Tensor rows = c.Rent(Shape.Of(file.N, regions * n * n, 3), "rows");
        QuantizeCount2D.Forward(m, regions, q, range, rows);
        // Row (a, b) holds L_a, L_b, P_ab: L is the first column of the rows with b = 0. The second column must repeat
        // it, or P is not what it says.
        float[] first = rows.Slice(0, 1).ToArray(), second = rows.Slice(1, 1).ToArray();
        for (int i = 0; i < second.Length; i++)
            if (second[i] != first[i / (n * n) * n * n + i % n * n])
                throw new InvalidOperationException("L_b of a row is not the level b");
        c.Result("L", [.. first.Where((_, i) => i % n == 0)]);
        c.Result("P", rows.Slice(2, 1));

        // Each L_n stands in 2·levels rows; its upstream gradient is put into one of them.
        Tensor dRows = c.Rent(rows.Shape, "dRows"), dm = c.Rent(m.Shape, "dm");
        float[] dL = c.Input("d_L").ToArray(), dP = c.Input("d_P").ToArray();
        dRows.Write([.. dP.SelectMany((p, i) => new[] { i % n == 0 ? dL[i / n] : 0, 0, p })]);
        QuantizeCount2D.Gradient(m, regions, q, range, rows, dRows, dm);
        c.Result("d_m", dm);
    }

    private static Quantization Levels(OperatorCase c) => KernelOptions.Quantization(new TextureConfig
    {
        Levels = Enum.Parse<LevelPositions>(c.Word("placement"), ignoreCase: true),
        Band = Enum.Parse<Band>(c.Word("band"), ignoreCase: true),
    }, c.Int("levels"));
}
