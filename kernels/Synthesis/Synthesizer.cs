using System.Runtime.Intrinsics;

namespace MlffAd.Kernels;

/// <summary>Changes images in host memory on the calling thread: the host body of <see cref="Synthesis"/>.</summary>
/// <remarks>Not thread-safe (scratch buffers): use one instance per thread.</remarks>
public sealed class Synthesizer(SynthesisOptions options)
{
    private readonly int _side = options.Side, _radius = options.Radius;
    private readonly byte[] _before = new byte[3 * options.Pixels], _piece = new byte[3 * options.Pixels];
    private readonly float[] _field = new float[3 * options.Pixels];
    private readonly float[] _other = new float[3 * options.Pixels];
    private readonly float[] _row = new float[3 * (options.Side + 2 * options.Radius)];

    /// <summary>Warps an image and changes its brightness and contrast, in place; rounded once, at the end.</summary>
    /// <param name="how">Shift, rotation, flips, factors.</param>
    /// <param name="image"><c>[S, S, 3]</c>.</param>
    public void Apply(in Warp how, Span<byte> image)
    {
        image.CopyTo(_before);
        double middle = _side / 2.0, luma = 0;
        for (int y = 0, to = 0; y < _side; y++)
        {
            double dy = (how.Overturn ? _side - 1 - y : y) + 0.5 - middle - how.ShiftY;
            for (int x = 0; x < _side; x++, to += 3)
            {
                double dx = (how.Mirror ? _side - 1 - x : x) + 0.5 - middle - how.ShiftX;
                var at = new Bilinear(dx * how.Cos + dy * how.Sin + middle, dy * how.Cos - dx * how.Sin + middle,
                    _side, _side);
                for (int c = 0; c < 3; c++) _field[to + c] = at.Sample(_before, c) * how.Brightness;
                luma += 0.299 * _field[to] + 0.587 * _field[to + 1] + 0.114 * _field[to + 2];
            }
        }
        float mean = (float)(luma / options.Pixels);
        for (int i = 0; i < image.Length; i++) image[i] = (byte)Colour.Round(mean + how.Contrast * (_field[i] - mean));
    }

    /// <summary>Puts a pseudo anomaly on an image: the first of the draws that changes enough of it.</summary>
    /// <param name="draws">Enumerated lazily.</param>
    /// <param name="image"><c>[S, S, 3]</c>, changed in place.</param>
    /// <param name="mask">Receives <c>[S, S]</c>: 1 where some channel changed enough, else 0.</param>
    /// <returns>False if every draw changed too little (white pasted on white): the image is unchanged, the mask
    /// 0.</returns>
    public bool Apply(IEnumerable<AnomalyDraw> draws, Span<byte> image, Span<byte> mask)
    {
        image.CopyTo(_before);
        foreach (var draw in draws)
        {
            if (draw.Piece is { } piece) Paste(piece, image);
            else Scatter(draw, image);
            if (options.Mark(_before, image, mask)) return true;
            _before.CopyTo(image);
        }
        mask.Clear();
        return false;
    }

    /// <summary>Labels each cell 1 if more of its 8×8 pixels are anomalous than a good cell may have, else 0.</summary>
    /// <param name="mask"><c>[S, S]</c>, 1 where anomalous, else 0.</param>
    /// <param name="labels">Receives <c>[S/8, S/8]</c>.</param>
    public void Label(ReadOnlySpan<byte> mask, Span<float> labels)
    {
        const int size = SynthesisOptions.Cell;
        int across = _side / size;
        for (int cell = 0; cell < labels.Length; cell++)
        {
            int anomalous = 0, corner = (cell / across * _side + cell % across) * size;
            for (int y = 0; y < size; y++)
                foreach (byte pixel in mask.Slice(corner + y * _side, size)) anomalous += pixel;
            labels[cell] = anomalous > options.CellLimit ? 1 : 0;
        }
    }

    /// <summary><c>image = clamp(round(before + blur(coloured + black)))</c>, the sign negated where <c>before</c> is
    /// dark. Computed only around the squares.</summary>
    private void Scatter(AnomalyDraw draw, Span<byte> image)
    {
        if (draw.Coloured.Count + draw.Black.Count == 0) return;
        int left = _side, top = _side, right = 0, bottom = 0;
        foreach (var s in draw.Coloured.Concat(draw.Black))
        {
            (left, top) = (Math.Min(left, First(s.X, s.Reach)), Math.Min(top, First(s.Y, s.Reach)));
            (right, bottom) = (Math.Max(right, Last(s.X, s.Reach)), Math.Max(bottom, Last(s.Y, s.Reach)));
        }
        int row = 3 * _side, begin = top * row, count = (bottom - top) * row;
        Array.Clear(_field, begin, count);
        Array.Clear(_other, begin, count);
        foreach (var s in draw.Coloured) Fill(_field, s);
        foreach (var s in draw.Black) Fill(_other, s);
        for (int i = begin; i < begin + count; i++) _field[i] += _other[i];
        (left, right) = (Math.Max(0, left - _radius), Math.Min(_side, right + _radius));
        Blur(left, right, top, bottom);
        for (int y = Math.Max(0, top - _radius); y < Math.Min(_side, bottom + _radius); y++)
        {
            for (int p = y * row + 3 * left; p < y * row + 3 * right; p += 3)
            {
                float sign = _before[p] + _before[p + 1] + _before[p + 2] <= options.DarkSum ? -1 : 1;
                for (int c = p; c < p + 3; c++) image[c] = (byte)Colour.Round(_before[c] + sign * _field[c]);
            }
        }
    }

    private static int First(double centre, double reach) => Math.Max(0, (int)(centre - reach));

    private int Last(double centre, double reach) => Math.Min(_side, (int)Math.Ceiling(centre + reach));

    private void Fill(float[] field, in Square s)
    {
        ReadOnlySpan<float> colour = [s.R, s.G, s.B];
        for (int y = First(s.Y, s.Reach); y < Last(s.Y, s.Reach); y++)
        {
            for (int x = First(s.X, s.Reach); x < Last(s.X, s.Reach); x++)
            {
                double dx = x + 0.5 - s.X, dy = y + 0.5 - s.Y, u = dx * s.Cos + dy * s.Sin, v = dy * s.Cos - dx * s.Sin;
                if (u >= -s.Half && u < s.Half && v >= -s.Half && v < s.Half)
                    colour.CopyTo(field.AsSpan(3 * (y * _side + x)));
            }
        }
    }

    /// <summary>Gaussian blur of columns left … right − 1, along the rows, then down the columns, the border
    /// replicated. Rows outside top … bottom − 1 are 0. Eight floats at a time, as 3·S is a multiple of 8.</summary>
    private void Blur(int left, int right, int top, int bottom)
    {
        int row = 3 * _side, begin = 3 * left / 8 * 8, end = 3 * right;
        for (int y = top; y < bottom; y++)
        {
            var from = _field.AsSpan(y * row, row);
            for (int x = 0; x < _radius; x++)
            {
                from[..3].CopyTo(_row.AsSpan(3 * x));
                from[^3..].CopyTo(_row.AsSpan(3 * (_radius + _side + x)));
            }
            from.CopyTo(_row.AsSpan(3 * _radius));
            for (int i = begin; i < end; i += 8)
            {
                var sum = Vector256<float>.Zero;
                for (int k = 0; k < options.Taps.Length; k++)
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(options.Taps[k]),
                        Vector256.LoadUnsafe(ref _row[0], (nuint)(i + 3 * k)), sum);
                sum.StoreUnsafe(ref _other[y * row + i]);
            }
        }
        for (int y = Math.Max(0, top - _radius); y < Math.Min(_side, bottom + _radius); y++)
        {
            for (int i = begin; i < end; i += 8)
            {
                var sum = Vector256<float>.Zero;
                for (int k = 0; k < options.Taps.Length; k++)
                {
                    int r = Math.Clamp(y + k - _radius, 0, _side - 1);
                    if (r >= top && r < bottom)
                        sum = Vector256.FusedMultiplyAdd(Vector256.Create(options.Taps[k]),
                            Vector256.LoadUnsafe(ref _other[r * row + i]), sum);
                }
                sum.StoreUnsafe(ref _field[y * row + i]);
            }
        }
    }

    private void Paste(Piece piece, Span<byte> image)
    {
        int width = piece.Width, height = piece.Height;
        var pixels = _piece.AsSpan(0, 3 * width * height);
        for (int y = 0; y < height; y++)
            _before.AsSpan(3 * ((piece.Top + y) * _side + piece.Left), 3 * width).CopyTo(pixels[(3 * y * width)..]);
        foreach (var (change, amount) in piece.Changes) Change(pixels, change, amount);
        var (reachX, reachY) = piece.Reach;
        for (int y = First(piece.Y, reachY); y < Last(piece.Y, reachY); y++)
        {
            for (int x = First(piece.X, reachX); x < Last(piece.X, reachX); x++)
            {
                double dx = x + 0.5 - piece.X, dy = y + 0.5 - piece.Y;
                double u = dx * piece.Cos + dy * piece.Sin + width / 2.0;
                double v = dy * piece.Cos - dx * piece.Sin + height / 2.0;
                if (u < 0 || u >= width || v < 0 || v >= height) continue;
                var at = new Bilinear(u, v, width, height);
                for (int c = 0, to = 3 * (y * _side + x); c < 3; c++)
                    image[to + c] = (byte)Colour.Round(at.Sample(pixels, c));
            }
        }
    }

    private static void Change(Span<byte> pixels, ColourChange change, float amount)
    {
        int mean = 0;
        if (change == ColourChange.Contrast)
        {
            long sum = 0, count = pixels.Length / 3;
            for (int p = 0; p < pixels.Length; p += 3) sum += new Colour(pixels[p], pixels[p + 1], pixels[p + 2]).Luma;
            mean = (int)((2 * sum + count) / (2 * count));
        }
        for (int p = 0; p < pixels.Length; p += 3)
        {
            var colour = new Colour(pixels[p], pixels[p + 1], pixels[p + 2]).Changed(change, amount, mean);
            (pixels[p], pixels[p + 1], pixels[p + 2]) = ((byte)colour.R, (byte)colour.G, (byte)colour.B);
        }
    }
}
