using ILGPU;

namespace MlffAd.Kernels;

public static partial class Cells
{
    internal readonly record struct PlaceArgs(GpuRows Step, GpuRows Y, int Rows, int H, int W);

    /// <summary>Operands over maps of <paramref name="Area"/> cells; the gradient passes dy as D and has no
    /// shift.</summary>
    internal readonly record struct ScaleArgs(
        GpuRows D, GpuRows Index, GpuRows Scales, GpuRows Y, int Rows, int Area, int HasIndex, int IsGradient, int Add);

    private static readonly GpuKernel<PlaceArgs> PlaceLauncher = new("memory.place", PlaceBody);

    private static readonly GpuKernel<ScaleArgs> ScaleLauncher = new("memory.standardise", ScaleBody);

    static partial void PlaceGpu(Tensor step, Tensor y) =>
        PlaceLauncher.LaunchItems(y.Device, y.Rows, new(step.Gpu, y.Gpu, y.Rows, y.Shape.H, y.Shape.W));

    static partial void StandardiseGpu(Tensor d, Tensor? index, Tensor scales, Tensor y) =>
        Scale(d, index, scales, y, isGradient: false, add: false);

    static partial void GradientGpu(Tensor dy, Tensor? index, Tensor scales, Tensor dd, bool add) =>
        Scale(dy, index, scales, dd, isGradient: true, add);

    private static void Scale(Tensor d, Tensor? index, Tensor scales, Tensor y, bool isGradient, bool add) =>
        ScaleLauncher.LaunchItems(y.Device, y.Rows, new(D: d.Gpu, Index: (index ?? d).Gpu, Scales: scales.Gpu,
            Y: y.Gpu, Rows: y.Rows, Area: y.Shape.Area, HasIndex: index is null ? 0 : 1, IsGradient: isGradient
            ? 1
            : 0, Add: add ? 1 : 0));

    private static void PlaceBody(PlaceArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (i >= p.Rows) return;
        p.Y[i, 0] = p.Step[0, 0] * (i / p.W % p.H);
        p.Y[i, 1] = p.Step[0, 0] * (i % p.W);
    }

    private static void ScaleBody(ScaleArgs p)
    {
        int i = Grid.GlobalIndex.X;
        if (i >= p.Rows) return;
        int k = i % p.Area;
        if (p.HasIndex != 0) k = (int)p.Index[i, 0];
        float v = p.D[i, 0];
        if (k >= 0)
        {
            if (p.IsGradient == 0) v -= p.Scales[k, 0];
            v *= p.Scales[k, 1];
        }
        p.Y[i, 0] = p.Add != 0 ? p.Y[i, 0] + v : v;
    }
}
