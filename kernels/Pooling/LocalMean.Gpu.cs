using ILGPU;

namespace MlffAd.Kernels;

public static unsafe partial class LocalMean
{
    /// <summary>Operands of both bodies.</summary>
    /// <param name="X">Map.</param>
    /// <param name="Y">Result.</param>
    /// <param name="Table">Weights at distances 0 … radius, then 1/Σ of those around each row, then each
    /// column.</param>
    /// <param name="Shape">Shape of both maps.</param>
    /// <param name="Radius">Radius of the window.</param>
    /// <param name="Falloff">1/2σ².</param>
    /// <param name="IsGradient">1: normalise by the weights around the neighbour; 0: around the position.</param>
    /// <param name="Add">Not 0: accumulate.</param>
    internal readonly record struct LocalArgs(
        GpuRows X, GpuRows Y, ArrayView<float> Table, Shape Shape, int Radius, float Falloff, int IsGradient, int Add)
    {
        public float Weight(int distance) => MathF.Exp(-Falloff * distance * distance);

        /// <summary>1/Σ of the weights around a position in a row of <paramref name="length"/>.</summary>
        public float Inverse(int place, int length)
        {
            float sum = 0;
            int last = IntrinsicMath.Min(Radius, length - 1 - place);
            for (int d = IntrinsicMath.Max(-Radius, -place); d <= last; d++) sum += Weight(d);
            return 1 / sum;
        }
    }

    private static readonly GpuKernel<LocalArgs> TableLauncher = new("pool.local.table", TableBody);

    private static readonly GpuElements<LocalArgs> Launcher = new("pool.local",
        Body<OneChannel, float>, Body<FourChannels, Four>, Body<FourHalves, Four>);

    static partial void RunGpu(Tensor x, Tensor y, LocalWindow window, bool isGradient, bool add)
    {
        var shape = x.Shape;
        using var table = Tensor.Rent(x.Device, Shape.Of(window.Radius + 1 + shape.H + shape.W), "weights");
        LocalArgs p = new(X: x.GpuAny, Y: y.GpuAny, Table: table.Gpu.Data, Shape: shape, Radius: window.Radius,
            Falloff: (float)(0.5 / (window.Sigma * window.Sigma)), IsGradient: isGradient ? 1 : 0, Add: add ? 1 : 0);
        TableLauncher.LaunchItems(x.Device, table.Count, p);
        Launcher.Launch(y, p, p.X, p.Y);
    }

    private static void TableBody(LocalArgs p)
    {
        int i = Grid.GlobalIndex.X, row = i - p.Radius - 1, column = row - p.Shape.H;
        if (column >= p.Shape.W) return;
        p.Table[i] = row < 0 ? p.Weight(i) : column < 0 ? p.Inverse(row, p.Shape.H) : p.Inverse(column, p.Shape.W);
    }

    private static void Body<TChannels, T>(LocalArgs p) where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int r = Channels.Locate<TChannels, T>(p.Shape.C, out int c), h = p.Shape.H, w = p.Shape.W;
        if (r >= p.Shape.N * h * w) return;
        int column = r % w, row = r / w % h, rows = p.Radius + 1 + row, columns = p.Radius + 1 + h + column;
        int bottom = IntrinsicMath.Min(p.Radius, h - 1 - row), right = IntrinsicMath.Min(p.Radius, w - 1 - column);
        T sum = p.Add != 0 ? default(TChannels).Load(p.Y, r, c) : default;
        for (int dy = IntrinsicMath.Max(-p.Radius, -row); dy <= bottom; dy++)
        {
            float down = p.Table[IntrinsicMath.Abs(dy)] * p.Table[rows + p.IsGradient * dy];
            for (int dx = IntrinsicMath.Max(-p.Radius, -column); dx <= right; dx++)
            {
                float weight = down * p.Table[IntrinsicMath.Abs(dx)] * p.Table[columns + p.IsGradient * dx];
                var x = default(TChannels).Load(p.X, r + dy * w + dx, c);
                sum = default(TChannels).Add(sum, default(TChannels).Multiply(default(TChannels).All(weight), x));
            }
        }
        default(TChannels).Store(p.Y, r, c, sum);
    }
}
