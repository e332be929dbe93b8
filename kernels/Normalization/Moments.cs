namespace MlffAd.Kernels;

/// <summary>Block moments fused into a convolution: computed on the host or on tensor cores while the result is in
/// cache or registers, they save <see cref="BatchNorm.Statistics"/> a pass over the map. On the host the bits are the
/// same.</summary>
/// <remarks>One object serves a network: it holds the last convolution's moments until they are taken.</remarks>
public sealed class Moments
{
    private Tensor? _of, _blocks;

    /// <summary>Rents the moments of a map that is about to be written.</summary>
    internal MomentBlocks Begin(Tensor y)
    {
        _blocks?.Dispose();
        (_of, _blocks) = (y, MomentBlocks.Rent(y));
        return new MomentBlocks(y, _blocks);
    }

    /// <summary>The same on a GPU, for blocks of <paramref name="rows"/> rows: two rows a block, means and
    /// squares.</summary>
    internal Tensor BeginOnGpu(Tensor y, int rows)
    {
        _blocks?.Dispose();
        (_of, _blocks) = (y, Tensor.Rent(y.Device, new Shape((y.Rows + rows - 1) / rows, 1, 2, y.C), "moments"));
        return _blocks;
    }

    /// <summary>Takes the moments of <paramref name="x"/>; null if those held are another map's.</summary>
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
