using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace MlffAd.Kernels;

/// <summary>The tiles of this CPU: a wide one, and a narrow one for a last panel of few columns.</summary>
internal static class Tiles
{
    /// <summary>Columns of a panel, and of a last panel that needs no more.</summary>
    public static readonly int Wide, Narrow;

    static Tiles()
    {
        var widths = new Widths();
        Dispatch(widths);
        (Wide, Narrow) = (widths.Wide, widths.Narrow);
    }

    public interface ICall
    {
        void With<TWide, TNarrow>() where TWide : ITile where TNarrow : ITile;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dispatch<TCall>(TCall call) where TCall : ICall
    {
        if (Vector512.IsHardwareAccelerated)
            call.With<Tile8x2<Lanes512, Vector512<float>>, Tile8x2<Lanes256, Vector256<float>>>();
        else if (Vector256.IsHardwareAccelerated)
            call.With<Tile6x2<Lanes256, Vector256<float>>, Tile6x2<Lanes128, Vector128<float>>>();
        else if (AdvSimd.IsSupported)
            call.With<Tile8x2<Lanes128, Vector128<float>>, Tile8x2<Lanes128, Vector128<float>>>();
        else if (Vector128.IsHardwareAccelerated)
            call.With<Tile6x2<Lanes128, Vector128<float>>, Tile6x2<Lanes128, Vector128<float>>>();
        else call.With<Tile6x2<Lanes1, float>, Tile6x2<Lanes1, float>>();
    }

    private sealed class Widths : ICall
    {
        public int Wide, Narrow;

        public void With<TWide, TNarrow>()
            where TWide : ITile where TNarrow : ITile => (Wide, Narrow) = (TWide.Width, TNarrow.Width);
    }
}
