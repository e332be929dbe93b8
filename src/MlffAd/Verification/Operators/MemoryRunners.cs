namespace MlffAd.Verification;

internal static partial class OperatorRunners
{
    private static void FindNearest(OperatorCase c)
    {
        var (q, m, upstream) = (c.Input("q"), c.Input("m"), c.Input("d_distance"));
        var (distance, index, dq, dm) = (c.Rent("distance"), c.Rent("index"), c.Rent("q"), c.Rent("m"));
        bool grouped = c.Has("q_groups");
        NearestVector.Forward(q, m, distance, index,
            grouped ? c.Input("q_groups") : null, grouped ? c.Input("m_groups") : null);
        NearestVector.QueryGradient(q, m, distance, index, upstream, dq);
        NearestVector.VectorGradient(q, m, distance, index, upstream, dm);
        c.Result("distance", distance);
        c.Result("index", index);
        c.Result("d_q", dq);
        c.Result("d_m", dm);
    }

    private static void ChooseCentres(OperatorCase c)
    {
        var chosen = KCentre.Choose(c.Input("pool"), c.Int("count"));
        c.Result("indices", [.. chosen.Indices.Select(i => (float)i)]);
        c.Result("radii", chosen.Radii);
    }

    private static void MeanAround(OperatorCase c)
    {
        double sigma = c.Attribute("sigma", a => a.GetDouble());
        var window = sigma > 0 ? LocalWindow.Gaussian(sigma) : LocalWindow.Box(c.Int("radius"));
        Linear(c, (x, y) => LocalMean.Forward(x, y, window), (dy, dx) => LocalMean.Gradient(dy, dx, window));
    }

    private static void Standardise(OperatorCase c)
    {
        var (d, scales, y, dd) = (c.Input("d"), c.Input("scales"), c.Rent("y"), c.Rent("d"));
        var index = c.Has("index") ? c.Input("index") : null;
        Cells.Standardise(d, index, scales, y);
        Cells.StandardiseGradient(c.Input("d_y"), index, scales, dd);
        c.Result("y", y);
        c.Result("d_d", dd);
    }

    private static void Place(OperatorCase c)
    {
        var y = c.Rent("y");
        Cells.Place(c.Input("step"), y);
        c.Result("y", y);
    }
}
