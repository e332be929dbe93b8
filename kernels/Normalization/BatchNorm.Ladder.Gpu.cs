using ILGPU;

namespace MlffAd.Kernels;

/// <summary>Earlier versions of the GPU's gradient through batch normalisation and ReLU, one idea a rung.</summary>
/// <remarks>Version 0: a thread a channel goes down its column twice, for the sums and for the elements. Version 1:
/// groups share the rows; each sums a block of them, 32 channels side by side, a second launch adds the blocks, and
/// then each element has a thread. Version 2: the group that finishes last adds the blocks (<see cref="LastGroup"/>), a
/// launch less. Version 3: a thread takes 16 bytes at a time, and keeps what depends on its channels for all rows of
/// its block.</remarks>
public static partial class BatchNorm
{
    /// <summary>A rung's maps, of one shape, and vectors of its channels.</summary>
    internal sealed record LadderOperands(Maps Maps, Vectors Vectors, Tensor Dgamma, Tensor Dbeta);

    private static readonly GpuKernel<ElementsArgs> ColumnLauncher = new("batchnorm.gradient.column", ColumnBody);
    private static readonly GpuKernel<ElementsArgs> ElementLauncher = new("batchnorm.gradient.element", ElementBody);
    private static readonly GpuKernel<SumsArgs> AddLauncher = new("batchnorm.gradient.add", AddBody);

    private static readonly GpuKernel<SumsArgs> BlocksLauncher =
        new("batchnorm.gradient.blocks", BlocksBody, GroupSize, GroupSize * sizeof(float));

    /// <summary>The rungs, lowest first; the last wants a multiple of four channels.</summary>
    internal static readonly (string Name, Action<LadderOperands> Run)[] GradientLadder =
    [
        ("0: a thread a channel", t => ColumnLauncher.LaunchItems(t.Maps.X.Device, t.Maps.X.C, Elements(t))),
        ("1: groups share the rows", t => Plain(t, apart: true)),
        ("2: the last group adds", t => Plain(t, apart: false)),
        ("3: 16 bytes a thread", t => Gradient(t.Maps, t.Vectors, t.Dgamma, t.Dbeta, Activation.ReLU)),
    ];

    private static Derivation Derive(LadderOperands t, Tensor partials) =>
        new(t.Maps, t.Vectors, t.Dgamma, t.Dbeta, Frozen: false, partials);

    private static ElementsArgs Elements(LadderOperands t) =>
        ElementsOf(Derive(t, t.Dgamma)) with { Blocks = BlocksOf(t.Maps.X, 1) };

    private static void Plain(LadderOperands t, bool apart)
    {
        var x = t.Maps.X;
        using var partials = RentPartials(x);
        var sums = SumsOf(Derive(t, partials)) with { Blocks = BlocksOf(x, 1) };
        var kernel = apart ? BlocksLauncher : Bodies<OneChannel, float>.With<ReLU>.Sums;
        kernel.Launch(x.Device, Grids(sums.Blocks, 1), sums);
        if (apart) AddLauncher.LaunchItems(x.Device, x.C, sums);
        ElementLauncher.LaunchItems(x.Device, x.Count, Elements(t));
    }

    private static void ColumnBody(ElementsArgs p)
    {
        int c = Grid.GlobalIndex.X;
        if (c >= p.Blocks.C) return;
        float mean = p.Mean[0, c], inverse = 1 / MathF.Sqrt(p.Variance[0, c] + p.Eps), dbeta = 0, dgamma = 0;
        for (int r = 0; r < p.Blocks.Rows; r++)
        {
            float dz = default(ReLU).Gradient(p.Y[r, c], p.Dy[r, c]);
            dbeta += dz;
            dgamma += dz * (p.X[r, c] - mean) * inverse;
        }
        p.Dbeta[0, c] = dbeta;
        p.Dgamma[0, c] = dgamma;
        for (int r = 0; r < p.Blocks.Rows; r++)
        {
            float dz = default(ReLU).Gradient(p.Y[r, c], p.Dy[r, c]);
            p.Dx[r, c] = p.Gamma[0, c] * inverse * (dz - p.PerRow * (dbeta + (p.X[r, c] - mean) * inverse * dgamma));
        }
    }

    private static void BlocksBody(SumsArgs p) =>
        Bodies<OneChannel, float>.BlockSums<ReLU>(p, SharedMemory.Allocate<float>(GroupSize));

    private static void AddBody(SumsArgs p)
    {
        int c = Grid.GlobalIndex.X, blocks = (p.Blocks.Rows + p.Blocks.BlockRows - 1) / p.Blocks.BlockRows;
        if (c >= p.Blocks.C) return;
        float sum = 0, product = 0;
        for (int b = 0; b < blocks; b++)
        {
            sum += p.Partials[2 * b, c];
            product += p.Partials[2 * b + 1, c];
        }
        p.Dbeta[0, c] = sum;
        p.Dgamma[0, c] = product / MathF.Sqrt(p.Variance[0, c] + p.Eps);
    }

    private static void ElementBody(ElementsArgs p)
    {
        int i = Grid.GlobalIndex.X, r = i / p.Blocks.C, c = i % p.Blocks.C;
        if (r >= p.Blocks.Rows) return;
        float dz = default(ReLU).Gradient(p.Y[r, c], p.Dy[r, c]);
        float inverse = 1 / MathF.Sqrt(p.Variance[0, c] + p.Eps), normalised = (p.X[r, c] - p.Mean[0, c]) * inverse;
        p.Dx[r, c] = p.Gamma[0, c] * inverse * (dz - p.PerRow * (p.Dbeta[0, c] + normalised * p.Dgamma[0, c]));
    }
}
