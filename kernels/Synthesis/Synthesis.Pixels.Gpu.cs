using ILGPU;

namespace MlffAd.Kernels;

public static partial class Synthesis
{
    /// <summary>Blurs down the columns and adds the result to a pixel, or subtracts it from a dark one.</summary>
    private static Colour Scattered(in SynthesisArgs p, int first, int x, int y, Colour before)
    {
        float r = 0, g = 0, b = 0;
        for (int k = 0; k <= 2 * p.Radius; k++)
        {
            int from = 3 * (first + IntrinsicMath.Clamp(y + k - p.Radius, 0, p.Side - 1) * p.Side + x);
            r += p.Plan[k] * p.Other[from];
            g += p.Plan[k] * p.Other[from + 1];
            b += p.Plan[k] * p.Other[from + 2];
        }
        int sign = before.R + before.G + before.B <= p.DarkSum ? -1 : 1;
        return new(Colour.Round(before.R + sign * r), Colour.Round(before.G + sign * g),
            Colour.Round(before.B + sign * b));
    }

    /// <summary>The piece's pixel at (x, y), or <paramref name="before"/> outside it.</summary>
    private static Colour Pasted(in SynthesisArgs p, int first, int at, int mean, int x, int y, Colour before)
    {
        int left = (int)p.Plan[at], top = (int)p.Plan[at + 1], width = (int)p.Plan[at + 2];
        int height = (int)p.Plan[at + 3];
        float dx = x + 0.5f - p.Plan[at + 4], dy = y + 0.5f - p.Plan[at + 5], sin = p.Plan[at + 6];
        float cos = p.Plan[at + 7];
        float u = dx * cos + dy * sin + 0.5f * width, v = dy * cos - dx * sin + 0.5f * height;
        if (!(u >= 0 && u < width && v >= 0 && v < height)) return before;
        var corners = new Corners(u, v, width, height);
        int changes = at + Piece.FirstChange;
        Colour a = p.Recoloured(p.Load(first, left + corners.Left, top + corners.Top), changes, mean);
        Colour b = p.Recoloured(p.Load(first, left + corners.Right, top + corners.Top), changes, mean);
        Colour c = p.Recoloured(p.Load(first, left + corners.Left, top + corners.Bottom), changes, mean);
        Colour d = p.Recoloured(p.Load(first, left + corners.Right, top + corners.Bottom), changes, mean);
        return new(Colour.Round(corners.Mix(a.R, b.R, c.R, d.R)), Colour.Round(corners.Mix(a.G, b.G, c.G, d.G)),
            Colour.Round(corners.Mix(a.B, b.B, c.B, d.B)));
    }

    /// <summary>Four pixels around a point and its bilinear weights; the border is replicated.</summary>
    private readonly struct Corners
    {
        public readonly int Left, Right, Top, Bottom;
        private readonly float _fx, _fy;

        public Corners(float x, float y, int width, int height)
        {
            x = IntrinsicMath.Clamp(x - 0.5f, 0f, width - 1f);
            y = IntrinsicMath.Clamp(y - 0.5f, 0f, height - 1f);
            (Left, Top) = ((int)x, (int)y);
            (Right, Bottom) = (IntrinsicMath.Min(Left + 1, width - 1), IntrinsicMath.Min(Top + 1, height - 1));
            (_fx, _fy) = (x - Left, y - Top);
        }

        public float Mix(int topLeft, int topRight, int bottomLeft, int bottomRight)
        {
            float top = topLeft + _fx * (topRight - topLeft), bottom = bottomLeft + _fx * (bottomRight - bottomLeft);
            return top + _fy * (bottom - top);
        }
    }

    extension(in SynthesisArgs p)
    {
        private Colour Load(int first, int x, int y)
        {
            int from = 3 * (first + y * p.Side + x);
            return new(p.Rgb[from], p.Rgb[from + 1], p.Rgb[from + 2]);
        }

        /// <summary>Whether the square at an offset of the plan contains a point.</summary>
        private bool Holds(int square, float x, float y)
        {
            float dx = x - p.Plan[square], dy = y - p.Plan[square + 1], half = p.Plan[square + 2];
            float sin = p.Plan[square + 3], cos = p.Plan[square + 4];
            float u = dx * cos + dy * sin, v = dy * cos - dx * sin;
            return u >= -half && u < half && v >= -half && v < half;
        }

        /// <summary>Whether the blur of some square reaches a pixel.</summary>
        private bool IsNear(int at, int squares, int x, int y)
        {
            bool near = false;
            for (int s = 0; s < squares; s++)
            {
                int square = at + s * Square.Size;
                float reach = p.Plan[square + 2] * (IntrinsicMath.Abs(p.Plan[square + 3])
                    + IntrinsicMath.Abs(p.Plan[square + 4])) + p.Radius + 1;
                near |= IntrinsicMath.Abs(x - p.Plan[square]) < reach
                    && IntrinsicMath.Abs(y - p.Plan[square + 1]) < reach;
            }
            return near;
        }

        /// <summary>A piece's pixel after its changes of colour.</summary>
        private Colour Recoloured(Colour colour, int changes, int mean, bool stopsAtContrast = false)
        {
            for (int i = 0; i < Piece.ChangeCount; i++)
            {
                var change = (ColourChange)(int)p.Plan[changes + 2 * i];
                if (stopsAtContrast && change == ColourChange.Contrast) break;
                colour = colour.Changed(change, p.Plan[changes + 2 * i + 1], mean);
            }
            return colour;
        }
    }
}
