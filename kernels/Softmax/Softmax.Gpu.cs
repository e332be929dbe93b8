using ILGPU;

namespace MlffAd.Kernels;

public static partial class Softmax
{
    private const int GroupSize = 128;

    /// <summary>Operands of both bodies: one group per row.</summary>
    internal readonly record struct SoftmaxArgs(GpuRows X, GpuRows Dy, GpuRows Out, int C, int Add);

    private static readonly GpuKernel<SoftmaxArgs> RowsLauncher = new("softmax", RowsBody, GroupSize,
        GroupSize * sizeof(float));

    private static readonly GpuKernel<SoftmaxArgs> GradientLauncher = new("softmax.gradient", GradientBody, GroupSize,
        GroupSize * sizeof(float));

    static partial void RowsGpu(Tensor x, Tensor y) =>
        RowsLauncher.Launch(y.Device, y.Rows, new(x.Gpu, x.Gpu, y.Gpu, y.C, 0));

    static partial void GradientGpu(Tensor y, Tensor dy, Tensor dx, bool add) =>
        GradientLauncher.Launch(y.Device, y.Rows, new(y.Gpu, dy.Gpu, dx.Gpu, y.C, add ? 1 : 0));

    private static void RowsBody(SoftmaxArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int r = Grid.IdxX, t = Group.IdxX;
        float max = p.X[r, t % p.C], sum = 0;
        for (int c = t; c < p.C; c += GroupSize) max = MathF.Max(max, p.X[r, c]);
        max = GroupReduce.Max(shared, max);
        for (int c = t; c < p.C; c += GroupSize)
        {
            float e = MathF.Exp(p.X[r, c] - max);
            p.Out[r, c] = e;
            sum += e;
        }
        float scale = 1 / GroupReduce.Sum(shared, sum);
        for (int c = t; c < p.C; c += GroupSize) p.Out[r, c] *= scale;
    }

    private static void GradientBody(SoftmaxArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int r = Grid.IdxX, t = Group.IdxX;
        float dot = 0;
        for (int c = t; c < p.C; c += GroupSize) dot += p.X[r, c] * p.Dy[r, c];
        dot = GroupReduce.Sum(shared, dot);
        for (int c = t; c < p.C; c += GroupSize)
        {
            float dx = p.X[r, c] * (p.Dy[r, c] - dot);
            p.Out[r, c] = p.Add != 0 ? p.Out[r, c] + dx : dx;
        }
    }
}
