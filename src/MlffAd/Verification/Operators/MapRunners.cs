namespace MlffAd.Verification;

internal static partial class OperatorRunners
{
    private static void MaxPool(OperatorCase c)
    {
        var (x, y, dx) = (c.Input("x"), c.Rent("y"), c.Rent("x"));
        var index = c.Rent(y.Shape, "index");
        int kernel = c.Int("kernel"), stride = c.Int("stride"), pad = c.Int("pad");
        Pooling.Max(x, y, index, kernel, stride, pad);
        Pooling.MaxGradient(c.Input("d_y"), index, dx, kernel, stride, pad);
        c.Result("y", y);
        c.Result("d_x", dx);
    }

    private static void AveragePool(OperatorCase c) =>
        Linear(c, (x, y) => Pooling.Average(x, y, c.Int("kernel")),
            (dy, dx) => Pooling.AverageGradient(dy, dx, c.Int("kernel")));

    private static void GlobalMean(OperatorCase c)
    {
        Shape x = c.ShapeOf("x"), g = new(x.N, 1, 1, x.C);
        Linear(c, Pooling.RegionMean, (dg, dx) => Pooling.RegionMeanGradient(dg, dx), output: g);
    }

    private static void Nearest(OperatorCase c) =>
        Linear(c, Resize.Nearest, (dy, dx) => Resize.NearestGradient(dy, dx));

    private static void Bilinear(OperatorCase c) =>
        Linear(c, (x, y) => Resize.Bilinear(x, y, c.Flag("alignCorners")),
            (dy, dx) => Resize.BilinearGradient(dy, dx, c.Flag("alignCorners")));

    /// <summary>Rows of regions as a small map, enlarged with aligned corners.</summary>
    private static void PlaceRegions(OperatorCase c)
    {
        Shape rows = c.ShapeOf("x");
        int s = c.Int("scale");
        Linear(c, (x, y) => Resize.Bilinear(x, y, alignCorners: true),
            (dy, dx) => Resize.BilinearGradient(dy, dx, alignCorners: true), input: new(rows.N, s, s, rows.C));
    }

    /// <summary>A linear operator: its gradient reads nothing but the gradient.</summary>
    private static void Linear(OperatorCase c, Action<Tensor, Tensor> forward, Action<Tensor, Tensor> gradient,
        Shape? input = null, Shape? output = null)
    {
        Shape inShape = input ?? c.ShapeOf("x"), outShape = output ?? c.ShapeOf("y");
        var (x, y, dx) = (c.Input("x", inShape), c.Rent(outShape, "y"), c.Rent(inShape, "dx"));
        forward(x, y);
        gradient(c.Input("d_y", outShape), dx);
        c.Result("y", y);
        c.Result("d_x", dx);
    }
}
