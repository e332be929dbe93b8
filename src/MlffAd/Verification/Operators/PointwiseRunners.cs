namespace MlffAd.Verification;

internal static partial class OperatorRunners
{
    private static void Activate(OperatorCase c, Activation f)
    {
        var (x, y, dx) = (c.Input("x"), c.Rent("y"), c.Rent("x"));
        Pointwise.Apply(f, x, y);
        Pointwise.Gradient(f, y, c.Input("d_y"), dx);
        c.Result("y", y);
        c.Result("d_x", dx);
    }

    private static void Add(OperatorCase c)
    {
        var (y, da, db) = (c.Rent("y"), c.Rent("a"), c.Rent("b"));
        Pointwise.Add(c.Input("a"), c.Input("b"), y);
        Pointwise.Copy(c.Input("d_y"), da);
        Pointwise.Copy(c.Input("d_y"), db);
        c.Result("y", y);
        c.Result("d_a", da);
        c.Result("d_b", db);
    }

    private static void Multiply(OperatorCase c)
    {
        var (a, b, dy) = (c.Input("a"), c.Input("b"), c.Input("d_y"));
        var (y, da, db) = (c.Rent("y"), c.Rent("a"), c.Rent("b"));
        Pointwise.Multiply(a, b, y);
        Pointwise.Multiply(dy, b, da);
        Pointwise.Multiply(dy, a, db);
        c.Result("y", y);
        c.Result("d_a", da);
        c.Result("d_b", db);
    }
}
