using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

public static partial class Pointwise
{
    /// <summary>Operands of all bodies here: thread i does element i, row-major, so neighbours touch neighbours.</summary>
    internal readonly record struct PointwiseArgs(GpuRows A, GpuRows B, GpuRows Y, int Count, int C, int Add, float Value);

    private static readonly GpuKernel<PointwiseArgs> AddLauncher = new("pointwise.add", AddBody), MultiplyLauncher = new("pointwise.multiply", MultiplyBody),
        CopyLauncher = new("pointwise.copy", CopyBody), FillLauncher = new("pointwise.fill", FillBody);

    private static class Launcher<TFunction> where TFunction : unmanaged, IFunction
    {
        public static readonly GpuKernel<PointwiseArgs> Apply = new("pointwise.activation", ApplyBody<TFunction>),
            Gradient = new("pointwise.activation.gradient", GradientBody<TFunction>);
    }

    static partial void ApplyGpu<TFunction>(Tensor x, Tensor y) where TFunction : unmanaged, IFunction => Launch(Launcher<TFunction>.Apply, x, x, y);

    static partial void GradientGpu<TFunction>(Tensor y, Tensor dy, Tensor dx, bool add) where TFunction : unmanaged, IFunction =>
        Launch(Launcher<TFunction>.Gradient, y, dy, dx, add);

    static partial void AddGpu(Tensor a, Tensor b, Tensor y) => Launch(AddLauncher, a, b, y);

    static partial void MultiplyGpu(Tensor a, Tensor b, Tensor y, bool add) => Launch(MultiplyLauncher, a, b, y, add);

    static partial void CopyGpu(Tensor x, Tensor y, bool add) => Launch(CopyLauncher, x, x, y, add);

    static partial void FillGpu(Tensor y, float value) => Launch(FillLauncher, y, y, y, value: value);

    private static void Launch(GpuKernel<PointwiseArgs> kernel, Tensor a, Tensor b, Tensor y, bool add = false, float value = 0) =>
        kernel.LaunchItems(y.Device, y.Count, new PointwiseArgs(a.Gpu, b.Gpu, y.Gpu, (int)y.Count, y.C, add ? 1 : 0, value));

    private static void ApplyBody<TFunction>(PointwiseArgs p) where TFunction : unmanaged, IFunction
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i < p.Count) p.Y[r, c] = default(TFunction).Apply(p.A[r, c]);
    }

    private static void GradientBody<TFunction>(PointwiseArgs p) where TFunction : unmanaged, IFunction
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i >= p.Count) return;
        float dx = default(TFunction).Gradient(p.A[r, c], p.B[r, c]);
        p.Y[r, c] = p.Add != 0 ? p.Y[r, c] + dx : dx;
    }

    private static void AddBody(PointwiseArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i < p.Count) p.Y[r, c] = p.A[r, c] + p.B[r, c];
    }

    private static void MultiplyBody(PointwiseArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i >= p.Count) return;
        float y = p.A[r, c] * p.B[r, c];
        p.Y[r, c] = p.Add != 0 ? p.Y[r, c] + y : y;
    }

    private static void CopyBody(PointwiseArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i >= p.Count) return;
        p.Y[r, c] = p.Add != 0 ? p.Y[r, c] + p.A[r, c] : p.A[r, c];
    }

    private static void FillBody(PointwiseArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.C, c = i % p.C;
        if (i < p.Count) p.Y[r, c] = p.Value;
    }
}
