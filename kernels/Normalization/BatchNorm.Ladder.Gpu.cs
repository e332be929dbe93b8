using ILGPU;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>Earlier versions of the GPU's gradient through batch normalisation and ReLU, one idea a rung.</summary>
/// <remarks>Version 0: a thread a channel goes down its column twice, for the sums and for the elements. In version 1 groups share the rows: each sums a block of them, 32 channels side by side; threads of a launch of their own
/// add the blocks, and then each element has a thread. In version 2 the group that finishes last adds the blocks (<see cref="LastGroup"/>): a launch less. In version 3 a thread takes 16 bytes at a time, and keeps what follows from its channels for all rows of its block.</remarks>
public static partial class BatchNorm
{
    /// <summary>What a rung reads and writes: maps of one shape, vectors of its channels.</summary>
    internal sealed record LadderOperands(Tensor X, Tensor Y, Tensor Dy, Tensor Dx, Tensor Mean, Tensor Variance, Tensor Gamma, Tensor Dgamma, Tensor Dbeta, float Eps);

    private static readonly GpuKernel<BatchNormElementArgs> ColumnLauncher = new("batchnorm.gradient.column", ColumnBody<ReLU>);
    private static readonly GpuKernel<BatchNormRowArgs> BlocksLauncher = new("batchnorm.gradient.blocks", BlocksBody<ReLU>, GroupSize, SharedBytes), AddLauncher = new("batchnorm.gradient.add", AddBody);

    /// <summary>The rungs, lowest first; the last wants channels in fours.</summary>
    internal static readonly (string Name, Action<LadderOperands> Run)[] GradientLadder =
    [
        ("0: a thread a channel", t => ColumnLauncher.LaunchItems(t.X.Device, t.X.C, Elements(t))),
        ("1: groups share the rows", t => Plain(t, apart: true)),
        ("2: the last group adds", t => Plain(t, apart: false)),
        ("3: 16 bytes a thread", t => Gradient(t.X, t.Mean, t.Variance, t.Gamma, t.Eps, t.Y, t.Dy, Activation.ReLU, frozen: false, t.Dx, t.Dgamma, t.Dbeta)),
    ];

    private static BatchNormElementArgs Elements(LadderOperands t) =>
        Elements(new Maps(t.X, t.Y, t.Dy, t.Dx, null, false, false), new Vectors(t.Mean, t.Variance, t.Gamma, null, t.Dgamma, t.Dbeta, t.Eps, Frozen: false));

    private static void Plain(LadderOperands t, bool apart)
    {
        using var partials = RentPartials(t.X);
        var p = Elements(t);
        var rows = Sums(t.X, p, partials);
        LaunchRows(apart ? BlocksLauncher : Launcher<ReLU>.Sums, t.X, RowWidth, partials.Shape.N, rows);
        if (apart) AddLauncher.LaunchItems(t.X.Device, t.X.C, rows);
        Launcher<ReLU>.Elements.LaunchItems(t.X.Device, t.X.Count, p);
    }

    private static void ColumnBody<TFunction>(BatchNormElementArgs p) where TFunction : unmanaged, IFunction
    {
        int c = Grid.GlobalIndex.X, rows = p.Count / p.C;
        if (c >= p.C) return;
        float mean = p.Mean[0, c], inverse = 1 / MathF.Sqrt(p.Variance[0, c] + p.Eps), dbeta = 0, dgamma = 0;
        for (int r = 0; r < rows; r++)
        {
            float dz = default(TFunction).Gradient(p.Y[r, c], p.Dy[r, c]);
            dbeta += dz;
            dgamma += dz * (p.X[r, c] - mean) * inverse;
        }
        p.Dbeta[0, c] = dbeta;
        p.Dgamma[0, c] = dgamma;
        for (int r = 0; r < rows; r++)
        {
            float dz = default(TFunction).Gradient(p.Y[r, c], p.Dy[r, c]);
            p.Dx[r, c] = p.Gamma[0, c] * inverse * (dz - p.PerRow * (dbeta + (p.X[r, c] - mean) * inverse * dgamma));
        }
    }

    private static void BlocksBody<TFunction>(BatchNormRowArgs p) where TFunction : unmanaged, IFunction
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        BlockSums<TFunction>(p, shared);
    }

    private static void AddBody(BatchNormRowArgs p)
    {
        int c = Grid.GlobalIndex.X, blocks = (p.Rows + p.BlockRows - 1) / p.BlockRows;
        if (c >= p.C) return;
        float sum = 0, product = 0;
        for (int b = 0; b < blocks; b++)
        {
            sum += p.Partials[2 * b, c];
            product += p.Partials[2 * b + 1, c];
        }
        p.Dbeta[0, c] = sum;
        p.Dgamma[0, c] = product / MathF.Sqrt(p.Variance[0, c] + p.Eps);
    }
}
