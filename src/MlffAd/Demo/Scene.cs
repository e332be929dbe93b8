using System.Numerics;

namespace MlffAd.Demo;

/// <summary>A part before the camera: its relief and its colour at each sample, four samples a pixel.</summary>
/// <remarks>Lengths and places are in units of 1/256 of the picture's side, so that a part looks the
/// same at any size.</remarks>
internal sealed class Scene
{
    /// <summary>The picture's side in units.</summary>
    public const float Side = 256;

    public Scene(int size)
    {
        (Size, Samples) = (size, 2 * size);
        Height = new float[Samples * Samples];
        Colour = new float[3 * Samples * Samples];
        Defect = new bool[Samples * Samples];
    }

    /// <summary>Pixels along a side.</summary>
    public int Size { get; }

    /// <summary>Samples along a side.</summary>
    public int Samples { get; }

    /// <summary>Relief in units, towards the camera. <c>[Samples, Samples]</c>.</summary>
    public float[] Height { get; }

    /// <summary>Share of light given back, linear RGB. <c>[Samples, Samples, 3]</c>.</summary>
    public float[] Colour { get; }

    /// <summary>Where a person would say the defect is. <c>[Samples, Samples]</c>.</summary>
    public bool[] Defect { get; }

    /// <summary>How much it shines: 0 like cloth, 1 like a mirror.</summary>
    public required float Gloss { get; init; }

    /// <summary>Calls <paramref name="visit"/> with the index and the place of each sample within a
    /// distance of a point.</summary>
    public void Visit(Vector2 centre, float distance, Action<int, Vector2> visit)
    {
        float step = Side / Samples;
        int Bound(float at, int add) => Math.Clamp((int)MathF.Floor(at / step) + add, 0, Samples);
        for (int row = Bound(centre.Y - distance, 0); row < Bound(centre.Y + distance, 1); row++)
            for (int column = Bound(centre.X - distance, 0); column < Bound(centre.X + distance, 1); column++)
                visit(row * Samples + column, new Vector2((column + 0.5f) * step, (row + 0.5f) * step));
    }

    /// <summary>Multiplies a sample's colour.</summary>
    public void Tint(int sample, Vector3 factor)
    {
        var colour = Colour.AsSpan(3 * sample, 3);
        (colour[0], colour[1], colour[2]) = (colour[0] * factor.X, colour[1] * factor.Y, colour[2] * factor.Z);
    }

    /// <summary>The mask in pixels: 255 where at least half of the samples are defective.</summary>
    public GreyImage Mask()
    {
        var mask = new byte[Size * Size];
        for (int y = 0; y < Size; y++)
            for (int x = 0; x < Size; x++)
            {
                int s = 2 * y * Samples + 2 * x, n = 0;
                foreach (int i in (ReadOnlySpan<int>)[s, s + 1, s + Samples, s + Samples + 1]) n += Defect[i] ? 1 : 0;
                mask[y * Size + x] = n >= 2 ? (byte)255 : (byte)0;
            }
        return new(Size, Size, mask);
    }
}
