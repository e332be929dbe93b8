using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static unsafe partial class Cells
{
    /// <summary>Cells worth a thread.</summary>
    private const int Grain = 16384;

    internal static void PlaceHost(Tensor step, Tensor y) =>
        y.Device.Team.For(y.Rows, new PlaceJob(step.Host[0, 0], y), Grain);

    internal static void StandardiseHost(Tensor d, Tensor? index, Tensor scales, Tensor y) =>
        y.Device.Team.For(y.Rows, new StandardiseJob(d, index, scales, y), Grain);

    internal static void GradientHost(Tensor dy, Tensor? index, Tensor scales, Tensor dd, bool add) =>
        dd.Device.Team.For(dd.Rows, new GradientJob(dy, index, scales, dd, add), Grain);

    private readonly struct PlaceJob(float step, Tensor y) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
                (y.Host[i, 0], y.Host[i, 1]) = (step * (i / y.Shape.W % y.Shape.H), step * (i % y.Shape.W));
        }
    }

    private readonly struct StandardiseJob(Tensor d, Tensor? index, Tensor scales, Tensor y) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                int k = Row(index, i, d.Shape.Area);
                y.Host[i, 0] = k < 0 ? d.Host[i, 0] : (d.Host[i, 0] - scales.Host[k, 0]) * scales.Host[k, 1];
            }
        }
    }

    private readonly struct GradientJob(Tensor dy, Tensor? index, Tensor scales, Tensor dd, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                int k = Row(index, i, dd.Shape.Area);
                float g = k < 0 ? dy.Host[i, 0] : dy.Host[i, 0] * scales.Host[k, 1];
                dd.Host[i, 0] = add ? dd.Host[i, 0] + g : g;
            }
        }
    }

    private static int Row(Tensor? index, int i, int area) => index is null ? i % area : (int)index.Host[i, 0];
}
