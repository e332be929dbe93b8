namespace MlffAd.Kernels;

/// <summary>Vectors packed for their device's <see cref="NearestVector"/>.</summary>
public sealed unsafe partial class PackedVectors : IDisposable
{
    /// <summary>Vectors per GPU tile.</summary>
    internal const int TileVectors = 64;

    private PackedVectors(Tensor vectors, Tensor? groups)
    {
        (Count, Width) = (vectors.Rows, vectors.C);
        Device device = vectors.Device;
        HalfNorms = Tensor.Rent(device, Shape.Of(Count), "half squared norms");
        try
        {
            if (groups is not null) Groups = Tensor.From(device, Shape.Of(Count), groups.ToArray(), "groups");
            if (device.IsHost) LargestNorm = Ranks.HalfNorms(vectors, HalfNorms);
            else
            {
                int tiles = (Count + TileVectors - 1) / TileVectors;
                Tiled = Tensor.Rent(device, Shape.Of(tiles, Width, TileVectors), "vectors");
                LargestNorm = PackGpu(vectors, Tiled, HalfNorms);
            }
            if (!double.IsFinite(LargestNorm))
                throw new ArgumentException($"memory.nearest: {vectors} holds numbers that are not finite.");
            if (device.IsHost) PackHost(vectors);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Number of vectors, B.</summary>
    public int Count { get; }

    /// <summary>Numbers per vector, D.</summary>
    public int Width { get; }

    /// <summary>Whether the vectors have groups.</summary>
    public bool HasGroups => Groups is not null;

    /// <summary>−½‖m‖² of each packed vector, a rank's initial value.</summary>
    internal Tensor HalfNorms { get; }

    /// <summary>Each packed vector's group.</summary>
    internal Tensor? Groups { get; }

    /// <summary>max ‖m‖, which bounds the product's rounding.</summary>
    internal double LargestNorm { get; }

    /// <summary>On the host: the vectors as a product's right factor, in the order of <see cref="Coarse"/>, if
    /// any.</summary>
    internal Panels? Panels { get; private set; }

    /// <summary>On the host, if vectors are many and wide: their projections.</summary>
    internal CoarseVectors? Coarse { get; private set; }

    /// <summary>On a GPU: the vectors in tiles, <c>[tile, number, vector]</c>, so that reads coalesce;
    /// zero-padded.</summary>
    internal Tensor? Tiled { get; }

    /// <summary>Packs a copy of the vectors and groups.</summary>
    /// <param name="vectors">B rows of D ≤ <see cref="NearestVector.MaxWidth"/> finite numbers.</param>
    /// <param name="groups">B integers below 2²⁴, or null.</param>
    /// <exception cref="ArgumentException">The vectors are too wide or not finite, or the groups too few.</exception>
    public static PackedVectors Pack(Tensor vectors, Tensor? groups = null)
    {
        Shape.Require("memory.nearest", vectors.C <= NearestVector.MaxWidth,
            $"a vector has at most {NearestVector.MaxWidth} numbers", vectors);
        if (groups is not null)
            Shape.Require("memory.nearest", groups.Count == vectors.Rows, $"each vector has a group", vectors, groups);
        return new PackedVectors(vectors, groups);
    }

    /// <summary>Returns the buffers to the pool.</summary>
    public void Dispose()
    {
        if (Panels is { } panels) panels.Dispose();
        Coarse?.Dispose();
        foreach (var tensor in (ReadOnlySpan<Tensor?>)[HalfNorms, Groups, Tiled]) tensor?.Dispose();
    }

    private void PackHost(Tensor vectors)
    {
        var device = vectors.Device;
        if (Width < CoarseVectors.LeastWidth || Count < CoarseVectors.LeastCount || LargestNorm > Ranks.Overflow)
        {
            Panels = Kernels.Panels.OfColumns(device, vectors.Host, 1, Width, Count);
            return;
        }
        Coarse = new CoarseVectors(vectors);
        foreach (var numbers in (ReadOnlySpan<Tensor?>)[HalfNorms, Groups])
            if (numbers?.ToArray() is { } old) numbers.Write([.. Coarse.Order.Select(j => old[j])]);
        Panels = Kernels.Panels.OfColumns(device, vectors.Host, 1, Width, Count, Coarse.Order);
    }

    private static double PackGpu(Tensor vectors, Tensor tiled, Tensor halfNorms)
    {
        double largest = 0;
        PackGpu(vectors, tiled, halfNorms, ref largest);
        return largest;
    }

    static partial void PackGpu(Tensor vectors, Tensor tiled, Tensor halfNorms, ref double largest);
}
