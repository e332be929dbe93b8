using ILGPU;

namespace MlffAd.Kernels;

public static partial class Attention
{
    /// <summary>Threads of a group, which are the columns it does at a time; channels staged in shared memory at a
    /// time.</summary>
    private const int GroupSize = 128, Depth = 32;

    /// <summary>Bytes of shared memory: an <see cref="Eight"/> per thread and a tile of the right factor, its rows
    /// padded against bank conflicts.</summary>
    private const int SharedBytes = GroupSize * (8 + Depth + 1) * sizeof(float);

    /// <summary>Operands of the bodies over rows: weights from left·rightᵀ, and out = weights·values.</summary>
    internal readonly record struct RowsArgs(GpuRows Left, GpuRows Right, GpuRows Values, GpuRows A, GpuRows Weights,
        GpuRows Out, int Levels, int Inner, int Width, int Add);

    /// <summary>Operands of the body over columns: dv = Aᵀ·dy, dq = dSᵀ·k.</summary>
    internal readonly record struct ColumnsArgs(GpuRows A, GpuRows Dy, GpuRows Dv, GpuRows Slopes, GpuRows K,
        GpuRows Dq, int Levels, int WidthOfK, int WidthOfV, int AddQ, int AddV);

    private static readonly GpuKernel<RowsArgs> ForwardLauncher = new("attention", ForwardBody, GroupSize, SharedBytes);

    private static readonly GpuKernel<RowsArgs> GradientLauncher = new("attention.gradient", GradientBody, GroupSize,
        SharedBytes);
    private static readonly GpuKernel<ColumnsArgs> ColumnsLauncher = new("attention.columns", ColumnsBody, GroupSize,
        GroupSize * 8 * sizeof(float));

    static partial void ForwardGpu(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor y) =>
        ForwardLauncher.Launch(y.Device, Groups(k), new(Left: k.Gpu, Right: q.Gpu, Values: v.Gpu, A: weights.Gpu,
            Weights: weights.Gpu, Out: y.Gpu, Levels: k.Shape.Area, Inner: k.C, Width: v.C, Add: 0));

    static partial void GradientGpu(Tensor k, Tensor q, Tensor v, Tensor weights, Tensor dy, Tensor slopes,
        GradientTo dk, GradientTo dq, GradientTo dv)
    {
        int levels = k.Shape.Area;
        GradientLauncher.Launch(dy.Device, Groups(k), new(Left: dy.Gpu, Right: v.Gpu, Values: q.Gpu, A: weights.Gpu,
            Weights: slopes.Gpu, Out: dk.Tensor.Gpu, Levels: levels, Inner: v.C, Width: k.C, Add: dk.Add ? 1 : 0));
        ColumnsLauncher.Launch(dy.Device, Groups(k), new(A: weights.Gpu, Dy: dy.Gpu, Dv: dv.Tensor.Gpu,
            Slopes: slopes.Gpu, K: k.Gpu, Dq: dq.Tensor.Gpu, Levels: levels, WidthOfK: k.C, WidthOfV: v.C,
            AddQ: dq.Add ? 1 : 0, AddV: dv.Add ? 1 : 0));
    }

    /// <summary>Groups of a launch: one per eight levels of an item.</summary>
    private static int Groups(Tensor k) => k.Shape.N * GroupsOf(k.Shape.Area);

    private static int GroupsOf(int levels) => (levels + 7) / 8;

    /// <summary>Eight rows of A and of y; a thread computes every 128th column of A, then of y.</summary>
    private static void ForwardBody(RowsArgs p)
    {
        var shared = SharedMemory.Allocate<float>(SharedBytes / sizeof(float));
        var at = Octet.OfGroup(p.Levels);
        var max = Eight.Of(float.MinValue);
        for (int first = 0; first < p.Levels; first += GroupSize)
        {
            var s = Scores(shared, p, at, first);
            at.StoreMine(p.Weights, first, s);
            max = Eight.Max(max, at.Mine(first, s, float.MinValue));
        }
        max = Tree<HighestOfEach>(shared, max);
        Eight sum = default;
        for (int first = 0; first < p.Levels; first += GroupSize)
        {
            var e = Eight.Exp(at.LoadMine(p.Weights, first) - max);
            at.StoreMine(p.Weights, first, e);
            sum += at.Mine(first, e, 0);
        }
        var scale = Eight.Of(1) / Tree<Total<Eight>>(shared, sum);
        for (int first = 0; first < p.Levels; first += GroupSize)
            at.StoreMine(p.Weights, first, at.LoadMine(p.Weights, first) * scale);
        Mix<Along>(shared, p.Weights, p.Values, p.Out, at, p.Width, p.Add);
    }

    /// <summary>Eight rows of dS and of dk.</summary>
    private static void GradientBody(RowsArgs p)
    {
        var shared = SharedMemory.Allocate<float>(SharedBytes / sizeof(float));
        var at = Octet.OfGroup(p.Levels);
        Eight dot = default;
        for (int first = 0; first < p.Levels; first += GroupSize)
        {
            var s = Scores(shared, p, at, first);
            at.StoreMine(p.Weights, first, s);
            dot += at.Mine(first, s * at.LoadMine(p.A, first), 0);
        }
        dot = Tree<Total<Eight>>(shared, dot);
        for (int first = 0; first < p.Levels; first += GroupSize)
            at.StoreMine(p.Weights, first, at.LoadMine(p.A, first) * (at.LoadMine(p.Weights, first) - dot));
        Mix<Along>(shared, p.Weights, p.Values, p.Out, at, p.Width, p.Add);
    }

    /// <summary>Eight rows of dv and of dq.</summary>
    private static void ColumnsBody(ColumnsArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize * 8);
        var at = Octet.OfGroup(p.Levels);
        Mix<Across>(shared, p.A, p.Dy, p.Dv, at, p.WidthOfV, p.AddV);
        Mix<Across>(shared, p.Slopes, p.K, p.Dq, at, p.WidthOfK, p.AddQ);
    }

    /// <summary>Scores of the group's eight rows of the left factor with row first + t of the right one, staged in
    /// shared memory 32 channels at a time.</summary>
    private static Eight Scores(ArrayView<float> shared, in RowsArgs p, in Octet at, int first)
    {
        int t = Group.IdxX;
        var left = shared.SubView(0, GroupSize * 8).Cast<Eight>();
        var right = shared.SubView(GroupSize * 8, GroupSize * (Depth + 1));
        Eight sum = default;
        for (int from = 0; from < p.Inner; from += Depth)
        {
            int lane = t % Depth, c = IntrinsicMath.Min(from + lane, p.Inner - 1);
            Group.Barrier();
            // Channels past the last count as 0; callers mask levels past the last.
            if (t < Depth) left[t] = Eight.If(from + lane < p.Inner, at.Load(p.Left, c), 0);
            for (int row = t / Depth; row < GroupSize; row += GroupSize / Depth)
                right[row * (Depth + 1) + lane] = p.Right[at.Row(first + row), c];
            Group.Barrier();
            for (int i = 0; i < Depth; i++) sum.MultiplyAdd(right[t * (Depth + 1) + i], left[i]);
        }
        return sum;
    }

    /// <summary>Eight rows of weights·values, the weights rows or columns of their map; a thread computes every 128th
    /// channel.</summary>
    private static void Mix<TWay>(ArrayView<float> shared, GpuRows weights, GpuRows values, GpuRows output,
        in Octet at, int width, int add) where TWay : struct, IWay
    {
        int t = Group.IdxX;
        var part = shared.SubView(0, GroupSize * 8).Cast<Eight>();
        for (int from = 0; from < width; from += GroupSize)
        {
            int c = IntrinsicMath.Min(from + t, width - 1);
            Eight sum = default;
            for (int first = 0; first < at.Levels; first += GroupSize)
            {
                int count = IntrinsicMath.Min(GroupSize, at.Levels - first);
                Group.Barrier();
                part[t] = default(TWay).Load(weights, at, first);
                Group.Barrier();
                for (int i = 0; i < count; i++) sum.MultiplyAdd(values[at.Start + first + i, c], part[i]);
            }
            if (from + t < width) at.Store(output, c, sum, add);
        }
    }

    /// <summary>Reduces over the group; every thread gets the result.</summary>
    private static Eight Tree<TPair>(ArrayView<float> shared, Eight value) where TPair : unmanaged, IPair<Eight> =>
        GroupReduce.Tree<TPair, Eight>(shared.SubView(0, GroupSize * 8).Cast<Eight>(), value, 1, GroupSize);
}
