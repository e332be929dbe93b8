using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>Means and squares of a map's blocks of rows. A convolution on the host, or on tensor cores, makes them in
/// passing, while what it wrote is still in the cache or in registers, and spares <see cref="BatchNorm.Statistics"/>
/// its look at the map. On the host the numbers are the same.</summary>
/// <remarks>One object serves a whole network: it holds what the last convolution made, until it is taken.</remarks>
public sealed class Moments
{
    private Tensor? _of, _blocks;

    /// <summary>Begins the blocks of a map that is about to be written.</summary>
    internal MomentBlocks Begin(Tensor y)
    {
        _blocks?.Dispose();
        (_of, _blocks) = (y, MomentBlocks.Rent(y));
        return new MomentBlocks(y, _blocks);
    }

    /// <summary>The same on a GPU, for blocks of <paramref name="rows"/> rows: a row of means and one of
    /// squares for each.</summary>
    internal Tensor BeginOnGpu(Tensor y, int rows)
    {
        _blocks?.Dispose();
        (_of, _blocks) = (y, Tensor.Rent(y.Device, new Shape((y.Rows + rows - 1) / rows, 1, 2, y.C), "moments"));
        return _blocks;
    }

    /// <summary>Hands over the blocks of <paramref name="x"/>, if these are they.</summary>
    internal Tensor? Take(Tensor x)
    {
        var blocks = _blocks;
        bool mine = ReferenceEquals(_of, x);
        (_of, _blocks) = (null, null);
        if (mine) return blocks;
        blocks?.Dispose();
        return null;
    }
}
