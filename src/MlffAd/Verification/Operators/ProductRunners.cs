namespace MlffAd.Verification;

internal static partial class OperatorRunners
{
    private static void Convolve(OperatorCase c)
    {
        Shape file = c.ShapeOf("w"), memory = new(file.N, file.W, file.C, file.H);   // [Cout, Cin, K, K] as N, H, W, C
        var filters = new float[file.Count];
        ConvolutionLayout.ToMemory(c.Input("w").ToArray(), filters, memory.C, memory.Area);
        var (x, y, dy, dx) = (c.Input("x"), c.Rent("y"), c.Input("d_y"), c.Rent("x"));
        Tensor w = c.Rent(memory, "w"), dw = c.Rent(memory, "dw");
        w.Write(filters);
        var b = c.Has("b") ? c.Input("b") : null;
        var g = new ConvGeometry(memory.H, c.Int("stride"), c.Int("pad"));
        Convolution.Forward(x, w, b, y, g);
        Convolution.InputGradient(dy, w, dx, g);
        Convolution.WeightGradient(x, dy, dw, g);
        ConvolutionLayout.ToFile(dw.ToArray(), filters, memory.C, memory.Area);
        c.Result("y", y);
        c.Result("d_x", dx);
        c.Result("d_w", filters);
        if (b is null) return;
        var db = c.Rent("b");
        Convolution.BiasGradient(dy, db);
        c.Result("d_b", db);
    }

    private static void Product(OperatorCase c)
    {
        bool transA = c.Flag("transA"), transB = c.Flag("transB");
        var (a, b, y, dy, da, db) = (c.Input("a"), c.Input("b"), c.Rent("y"), c.Input("d_y"), c.Rent("a"), c.Rent("b"));
        MatMul.Forward(a, b, y, transA, transB);
        if (transA) MatMul.Forward(b, dy, da, transB, transposeB: true);
        else MatMul.Forward(dy, b, da, transposeA: false, !transB);
        if (transB) MatMul.Forward(dy, a, db, transposeA: true, transA);
        else MatMul.Forward(a, dy, db, !transA, transposeB: false);
        c.Result("y", y);
        c.Result("d_a", da);
        c.Result("d_b", db);
    }

    private static void SoftmaxRows(OperatorCase c)
    {
        var (x, y, dx) = (c.Input("x"), c.Rent("y"), c.Rent("x"));
        Softmax.Rows(x, y);
        Softmax.Gradient(y, c.Input("d_y"), dx);
        c.Result("y", y);
        c.Result("d_x", dx);
    }
}
