namespace MlffAd.Kernels;

/// <summary>A change of the whole image (spec §2.7): a bilinear warp, brightness, contrast about
/// the mean luma.</summary>
/// <param name="ShiftX">Pixels to the right.</param>
/// <param name="ShiftY">Pixels down.</param>
/// <param name="Sin">Sine of the rotation about the middle.</param>
/// <param name="Cos">Its cosine.</param>
/// <param name="Mirror">Whether to flip horizontally.</param>
/// <param name="Overturn">Whether to flip vertically.</param>
/// <param name="Brightness">Factor of every channel.</param>
/// <param name="Contrast">Factor of the difference from the mean luma.</param>
public readonly record struct Warp(double ShiftX, double ShiftY, double Sin, double Cos, bool Mirror, bool Overturn,
    float Brightness, float Contrast)
{
    internal const int Size = 8;

    internal void Write(Span<float> to)
    {
        ReadOnlySpan<float> numbers =
        [
            (float)ShiftX, (float)ShiftY, (float)Sin, (float)Cos, Mirror ? 1 : 0, Overturn ? 1 : 0, Brightness,
            Contrast,
        ];
        numbers.CopyTo(to);
    }

    internal static Warp Read(ReadOnlySpan<float> n) =>
        new(ShiftX: n[0], ShiftY: n[1], Sin: n[2], Cos: n[3], Mirror: n[4] != 0, Overturn: n[5] != 0, Brightness: n[6],
            Contrast: n[7]);
}

/// <summary>A square of confetti, rotated about its centre (spec §2.4). A pixel belongs to it when
/// its centre does.</summary>
/// <param name="X">The centre's column.</param>
/// <param name="Y">The centre's row.</param>
/// <param name="Half">Half its side.</param>
/// <param name="Sin">Sine of the rotation.</param>
/// <param name="Cos">Its cosine.</param>
/// <param name="R">Added to red.</param>
/// <param name="G">To green.</param>
/// <param name="B">To blue.</param>
public readonly record struct Square(double X, double Y, double Half, double Sin, double Cos, float R, float G, float B)
{
    internal const int Size = 8;

    /// <summary>Half the side of its axis-aligned bounding square.</summary>
    internal double Reach => Half * (Math.Abs(Sin) + Math.Abs(Cos));

    internal void Write(Span<float> to)
    {
        ReadOnlySpan<float> numbers = [(float)X, (float)Y, (float)Half, (float)Sin, (float)Cos, R, G, B];
        numbers.CopyTo(to);
    }

    internal static Square Read(ReadOnlySpan<float> n) =>
        new(X: n[0], Y: n[1], Half: n[2], Sin: n[3], Cos: n[4], R: n[5], G: n[6], B: n[7]);
}

/// <summary>A change of colour.</summary>
public enum ColourChange
{
    /// <summary>Every channel times a factor.</summary>
    Brightness,

    /// <summary>Difference from the piece's mean luma, an integer, times a factor.</summary>
    Contrast,

    /// <summary>Difference from the pixel's own luma times a factor.</summary>
    Saturation,

    /// <summary>Rotation of the hue, as a share of the circle.</summary>
    Hue,
}

/// <summary>A piece of the image, recoloured and pasted elsewhere, rotated about its centre (spec §2.5). It is sampled
/// bilinearly; a pixel belongs to it when its centre does.</summary>
/// <param name="Left">First column of the source rectangle.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="X">Column of its centre when pasted.</param>
/// <param name="Y">Row of its centre when pasted.</param>
/// <param name="Sin">Sine of the rotation.</param>
/// <param name="Cos">Its cosine.</param>
/// <param name="Changes">The four changes of colour in their order, each with its factor or turn; rounded to 8
/// bits after each.</param>
public sealed record Piece(int Left, int Top, int Width, int Height, double X, double Y, double Sin, double Cos,
    IReadOnlyList<(ColourChange Change, float Amount)> Changes)
{
    internal const int FirstChange = 8, ChangeCount = 4, Size = FirstChange + 2 * ChangeCount;

    /// <summary>Half the extents of its axis-aligned bounding box.</summary>
    public (double X, double Y) Reach =>
        ((Width * Math.Abs(Cos) + Height * Math.Abs(Sin)) / 2, (Width * Math.Abs(Sin) + Height * Math.Abs(Cos)) / 2);

    internal void Write(Span<float> to)
    {
        ReadOnlySpan<float> numbers = [Left, Top, Width, Height, (float)X, (float)Y, (float)Sin, (float)Cos];
        numbers.CopyTo(to);
        for (int i = 0; i < ChangeCount; i++)
            (to[FirstChange + 2 * i], to[FirstChange + 2 * i + 1]) = ((float)Changes[i].Change, Changes[i].Amount);
    }

    internal static Piece Read(ReadOnlySpan<float> n)
    {
        var changes = new (ColourChange, float)[ChangeCount];
        for (int i = 0; i < ChangeCount; i++)
            changes[i] = ((ColourChange)n[FirstChange + 2 * i], n[FirstChange + 2 * i + 1]);
        return new(Left: (int)n[0], Top: (int)n[1], Width: (int)n[2], Height: (int)n[3], X: n[4], Y: n[5], Sin: n[6],
            Cos: n[7], Changes: changes);
    }
}

/// <summary>A candidate pseudo anomaly: squares of confetti, or a pasted piece.</summary>
/// <param name="Coloured">A group of squares; later ones cover earlier ones.</param>
/// <param name="Black">Another; both groups' colours are added. None where there is a piece.</param>
/// <param name="Piece">The piece to paste; null for confetti.</param>
public sealed record AnomalyDraw(IReadOnlyList<Square> Coloured, IReadOnlyList<Square> Black, Piece? Piece = null)
{
    /// <summary>In place of the number of coloured squares: a piece follows.</summary>
    internal const int IsPiece = -1;

    /// <summary>Pastes a piece.</summary>
    public AnomalyDraw(Piece piece) : this([], [], piece) { }

    internal void Write(List<float> to)
    {
        Span<float> numbers = stackalloc float[Piece.Size];
        to.Add(Piece is null ? Coloured.Count : IsPiece);
        to.Add(Piece is null ? Black.Count : 0);
        if (Piece is not null)
        {
            Piece.Write(numbers);
            to.AddRange(numbers);
            return;
        }
        foreach (var square in Coloured.Concat(Black))
        {
            square.Write(numbers);
            to.AddRange(numbers[..Square.Size]);
        }
    }
}
