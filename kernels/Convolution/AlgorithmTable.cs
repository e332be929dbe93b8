using System.Runtime.Intrinsics;

namespace MlffAd.Kernels;

/// <summary>A convolution's forward or one of its gradients.</summary>
internal enum Pass
{
    /// <summary>y.</summary>
    Forward,

    /// <summary>dx.</summary>
    InputGradient,

    /// <summary>dw.</summary>
    WeightGradient,
}

/// <summary>The algorithm of a 3×3 layer at stride 1, looked up by the layer and an image's extents: results depend
/// neither on timing nor on the batch size.</summary>
/// <remarks><c>mlffad bench algorithms --update kernels/Convolution/AlgorithmTable.cs</c> measures the table for the
/// vector width that it runs with (128 with <c>DOTNET_EnableAVX2=0</c>) and rewrites it. A letter is an algorithm: i,
/// the implicit product; 2 and 4, minimal filtering of tiles of 2×2 and 4×4 outputs.</remarks>
internal static class AlgorithmTable
{
    /// <summary>Rows: at least so many channels, the fewer of input and output. Columns: at least so many cells along a
    /// side. Below the first of either: the product.</summary>
    public static readonly int[] Channels = [16, 32, 64, 128, 256, 512, 1024], Sides = [4, 8, 16, 32, 64];

    private static readonly Dictionary<Pass, string[]> Bits128 = new()
    {
        // <!-- bench algorithms 128 -->
        [Pass.Forward] = ["ii444", "iii44", "i4444", "24444", "24444", "24444", "24444"],
        [Pass.InputGradient] = ["iiiii", "24444", "24444", "44444", "24444", "24444", "24444"],
        [Pass.WeightGradient] = ["42444", "i4444", "24444", "24444", "24444", "24444", "24444"],
        // <!-- /bench algorithms 128 -->
    };

    private static readonly Dictionary<Pass, string[]> Bits256 = new()
    {
        // <!-- bench algorithms 256 -->
        [Pass.Forward] = ["iiiii", "ii444", "ii444", "24444", "24444", "22444", "22444"],
        [Pass.InputGradient] = ["iii4i", "24444", "24444", "44444", "24444", "22444", "22444"],
        [Pass.WeightGradient] = ["22444", "i4444", "24444", "24444", "24444", "24444", "24444"],
        // <!-- /bench algorithms 256 -->
    };

    private static readonly Dictionary<Pass, string[]> Bits512 = new()
    {
        // <!-- bench algorithms 512 -->
        [Pass.Forward] = ["iiii4", "iiiii", "ii444", "i2444", "i2444", "i2444", "i2444"],
        [Pass.InputGradient] = ["iiiii", "iiiii", "ii444", "i4444", "24444", "22444", "24444"],
        [Pass.WeightGradient] = ["ii44i", "ii444", "i4444", "i4444", "24444", "i2444", "i2444"],
        // <!-- /bench algorithms 512 -->
    };

    /// <summary>Bits of the product's vectors on this CPU: the key of the table.</summary>
    public static int Bits => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>The algorithm of a layer that minimal filtering takes.</summary>
    public static HostAlgorithm Of(Pass pass, int channels, int cells)
    {
        int row = -1, column = -1;
        while (row + 1 < Channels.Length && Channels[row + 1] <= channels) row++;
        while (column + 1 < Sides.Length && Sides[column + 1] * Sides[column + 1] <= cells) column++;
        return row < 0 || column < 0
            ? HostAlgorithm.Implicit
            : (Bits switch { 512 => Bits512, 256 => Bits256, _ => Bits128 })[pass][row][column] switch
            {
                '2' => HostAlgorithm.Winograd2,
                '4' => HostAlgorithm.Winograd4,
                _ => HostAlgorithm.Implicit,
            };
    }
}
