namespace MlffAd.Kernels;

public static unsafe partial class Cells
{
    internal static void PlaceHost(Tensor step, Tensor y) =>
        y.Device.Team.For(y.Rows, new PlaceJob(step.Host[0, 0], y), 1);

    internal static void StandardiseHost(Tensor d, Tensor? index, Tensor scales, Tensor y) =>
        y.Device.Team.For(y.Rows, new StandardiseJob(d, index, scales, y), 1);

    internal static void GradientHost(Tensor dy, Tensor? index, Tensor scales, Tensor dd, bool add) =>
        dd.Device.Team.For(dd.Rows, new GradientJob(dy, index, scales, dd, add), 1);

    private readonly struct PlaceJob(float step, Tensor y) : IJob
    {
        public void Run(int begin, int end)
        {
            var (rows, shape) = (y.Host, y.Shape);
            for (int i = begin; i < end; i++)
                (rows[i, 0], rows[i, 1]) = (step * (i / shape.W % shape.H), step * (i % shape.W));
        }
    }

    private readonly struct StandardiseJob(Tensor d, Tensor? index, Tensor scales, Tensor y) : IJob
    {
        public void Run(int begin, int end)
        {
            HostRows from = d.Host, rows = scales.Host, to = y.Host;
            var keys = new Keys(index, d.Shape.Area);
            for (int i = begin; i < end; i++)
            {
                int k = keys.Of(i);
                to[i, 0] = k < 0 ? from[i, 0] : (from[i, 0] - rows[k, 0]) * rows[k, 1];
            }
        }
    }

    private readonly struct GradientJob(Tensor dy, Tensor? index, Tensor scales, Tensor dd, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            HostRows from = dy.Host, rows = scales.Host, to = dd.Host;
            var keys = new Keys(index, dd.Shape.Area);
            for (int i = begin; i < end; i++)
            {
                int k = keys.Of(i);
                float g = k < 0 ? from[i, 0] : from[i, 0] * rows[k, 1];
                to[i, 0] = add ? to[i, 0] + g : g;
            }
        }
    }

    /// <summary>The row of a cell's scales: its index or, without one, its position in the map.</summary>
    private readonly struct Keys(Tensor? index, int area)
    {
        private readonly HostRows _index = index?.Host ?? default;

        public int Of(int cell) => _index.Data == null ? cell % area : (int)_index[cell, 0];
    }
}
