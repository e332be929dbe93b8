using MlffAd.Kernels.Runtime;

public static partial class SiLU
{
    /// <summary>Work of an element, in those of a copy: exponentials cost more than memory.</summary>
    private const int Work = 4;

    private static void ForwardHost(Tensor x, Tensor y) =>
        y.Device.Team.For(y.Rows, new ForwardJob(x.Host, y.Host, y.C), Work * y.C);

    private static void GradientHost(Tensor x, Tensor dy, Tensor dx) =>
        dx.Device.Team.For(dx.Rows, new GradientJob(x.Host, dy.Host, dx.Host, dx.C), Work * dx.C);

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));

    /// <summary>Items are rows: the C channels of a position.</summary>
    private readonly struct ForwardJob(HostRows x, HostRows y, int C) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
                for (int c = 0; c < C; c++) y[r, c] = x[r, c] * Sigmoid(x[r, c]);
        }
    }

    private readonly struct GradientJob(HostRows x, HostRows dy, HostRows dx, int C) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int r = begin; r < end; r++)
                for (int c = 0; c < C; c++)
                {
                    float s = Sigmoid(x[r, c]);
                    dx[r, c] = dy[r, c] * s * (1 + x[r, c] * (1 - s));
                }
        }
    }
}
