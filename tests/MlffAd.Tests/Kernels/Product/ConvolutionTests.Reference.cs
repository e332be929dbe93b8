namespace MlffAd.Tests.Kernels;

public sealed partial class ConvolutionTests
{
    private static float[][] Everything(Device device, Case c)
    {
        using var x = new Slice(device, c.X, 1);
        using var w = new Slice(device, c.W, 2, gaps: false);
        using var dy = new Slice(device, c.Y, 3);
        using var y = new Slice(device, c.Y, 4);
        using var dx = new Slice(device, c.X, 5);
        using var dw = new Slice(device, c.W, 6, gaps: false);
        using var db = new Slice(device, Shape.Of(c.Cout), 7, gaps: false);
        Convolution.Forward(x.Tensor, w.Tensor, db.Tensor, y.Tensor, c.G, dy.Tensor, Activation.LeakyReLU);
        Convolution.InputGradient(dy.Tensor, w.Tensor, dx.Tensor, c.G, add: true);
        Convolution.WeightGradient(x.Tensor, dy.Tensor, dw.Tensor, c.G, add: true);
        Convolution.BiasGradient(dy.Tensor, db.Tensor, add: true);
        return [y.Tensor.ToArray(), dx.Tensor.ToArray(), dw.Tensor.ToArray(), db.Tensor.ToArray()];
    }

    internal static double[] ReferenceForward(float[] x, float[] w, Case c)
    {
        var y = new double[c.Y.Count];
        foreach (var (xi, wi, p) in Taps(c))
            for (int o = 0; o < c.Cout; o++)
                for (int k = 0; k < c.X.C; k++)
                    y[p * c.Cout + o] += (double)x[xi + k] * w[wi + o * c.G.Kernel * c.G.Kernel * c.X.C + k];
        return y;
    }

    internal static (double[] Dx, double[] Dw, double[] Db) ReferenceGradients(float[] x, float[] w, float[] dy, Case c)
    {
        double[] dx = new double[c.X.Count], dw = new double[c.W.Count], db = new double[c.Cout];
        foreach (var (xi, wi, p) in Taps(c))
            for (int o = 0; o < c.Cout; o++)
            {
                double d = dy[p * c.Cout + o];
                for (int k = 0, j = wi + o * c.G.Kernel * c.G.Kernel * c.X.C; k < c.X.C; k++, j++)
                {
                    dx[xi + k] += d * w[j];
                    dw[j] += d * x[xi + k];
                }
            }
        for (int i = 0; i < dy.Length; i++) db[i % c.Cout] += dy[i];
        return (dx, dw, db);
    }

    /// <summary>Every pair of an output position and a tap that lies inside the input: where the input row and the
    /// tap's first weights begin.</summary>
    private static IEnumerable<(int X, int W, int Position)> Taps(Case c)
    {
        for (int p = 0; p < c.Y.Rows; p++)
            for (int u = 0; u < c.G.Kernel; u++)
                for (int v = 0; v < c.G.Kernel; v++)
                {
                    int n = p / c.Y.Area;
                    int i = p / c.Y.W % c.Y.H * c.G.Stride - c.G.Pad + u;
                    int j = p % c.Y.W * c.G.Stride - c.G.Pad + v;
                    if (i >= 0 && i < c.X.H && j >= 0 && j < c.X.W)
                        yield return (((n * c.X.H + i) * c.X.W + j) * c.X.C, (u * c.G.Kernel + v) * c.X.C, p);
                }
    }

    private static double Apply(Activation f, double x) => f switch
    {
        Activation.ReLU => Math.Max(0, x),
        Activation.LeakyReLU => x > 0 ? x : 0.01f * x,
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        _ => x,
    };

    private static double Dot(double[] a, float[] b) => a.Zip(b, (u, v) => u * v).Sum();

    private static void AssertClose(double[] expected, float[] got, double tolerance, string what, double size = 0)
    {
        if (size == 0) size = expected.Max(Math.Abs);
        double worst = expected.Zip(got, (e, g) => Math.Abs(e - g)).Max();
        Assert.True(worst <= tolerance * Math.Max(size, 1e-3),
            $"{what}: off by {worst:G3} where the largest value is {size:G3}");
    }
}
