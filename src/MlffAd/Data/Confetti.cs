using System.Runtime.Intrinsics;
using MlffAd.Configuration;

namespace MlffAd.Data;

/// <summary>Blurred coloured and black squares (spec §2.4).</summary>
internal sealed class Confetti
{
    private readonly ConfettiConfig _config;
    private readonly int _side, _radius;
    private readonly double _unit;
    private readonly float[] _taps, _field, _other, _row;

    public Confetti(ConfettiConfig config, int side)
    {
        if (side % 8 != 0) throw new ArgumentException($"The side {side} is no multiple of 8.", nameof(side));
        (_config, _side, _unit) = (config, side, side / 256.0);
        _radius = (int)Math.Round(config.Radius * _unit, MidpointRounding.AwayFromZero);
        double sigma = config.Sigma * _unit;
        double[] bell = [.. Enumerable.Range(-_radius, 2 * _radius + 1).Select(d => Math.Exp(-0.5 * d * d / (sigma * sigma)))];
        _taps = [.. bell.Select(w => (float)(w / bell.Sum()))];
        (_field, _other, _row) = (new float[3 * side * side], new float[3 * side * side], new float[3 * (side + 2 * _radius)]);
    }

    /// <summary><c>after = clamp(round(before + blur(coloured + black)))</c>, the sign turned where <c>before</c> is dark.</summary>
    public void Draw(ReadOnlySpan<byte> before, Span<byte> after, Rng rng)
    {
        Array.Clear(_field);
        Array.Clear(_other);
        for (int blobs = Count(_config.Rates[0], rng); blobs > 0; blobs--) Blob(_field, coloured: true, rng);
        for (int blobs = Count(_config.Rates[1], rng); blobs > 0; blobs--) Blob(_other, coloured: false, rng);
        for (int i = 0; i < _field.Length; i++) _field[i] += _other[i];
        Blur();
        double dark = 3 * 255 * _config.DarkBelow;
        for (int p = 0; p < before.Length; p += 3)
        {
            float sign = before[p] + before[p + 1] + before[p + 2] <= dark ? -1 : 1;
            for (int c = p; c < p + 3; c++) after[c] = Pixels.Round(before[c] + sign * _field[c]);
        }
    }

    /// <summary>Poisson for the whole image, at any S that of 256×256, drawn again until there is one.</summary>
    private static int Count(double rate, Rng rng)
    {
        int count;
        do count = rng.Poisson(rate * 256 * 256); while (count == 0);
        return count;
    }

    /// <summary>Overwrites what lies beneath; a pixel belongs to the rotated square when its centre does.</summary>
    private void Blob(float[] field, bool coloured, Rng rng)
    {
        double half = Math.Max(1, Math.Round(rng.Uniform(_config.Sizes[0], _config.Sizes[1]) * _unit, MidpointRounding.AwayFromZero)) / 2;
        double cx = rng.Uniform(0, _side), cy = rng.Uniform(0, _side);
        var (sin, cos) = Math.SinCos(rng.Uniform(-_config.Rotation, _config.Rotation) * Math.PI / 180);
        Span<float> colour = stackalloc float[3];
        foreach (ref float c in colour) c = (float)(coloured ? rng.Uniform(_config.Offsets[0], _config.Offsets[1]) : _config.Black);
        double reach = half * (Math.Abs(sin) + Math.Abs(cos));
        for (int y = Math.Max(0, (int)(cy - reach)); y < Math.Min(_side, cy + reach); y++)
        {
            for (int x = Math.Max(0, (int)(cx - reach)); x < Math.Min(_side, cx + reach); x++)
            {
                double dx = x + 0.5 - cx, dy = y + 0.5 - cy, u = dx * cos + dy * sin, v = dy * cos - dx * sin;
                if (u >= -half && u < half && v >= -half && v < half) colour.CopyTo(field.AsSpan(3 * (y * _side + x)));
            }
        }
    }

    /// <summary>A Gaussian along the rows, then down the columns, the border replicated. Eight floats at a time: a row's 3·S are a multiple.</summary>
    private void Blur()
    {
        int row = 3 * _side;
        for (int y = 0; y < _side; y++)
        {
            var from = _field.AsSpan(y * row, row);
            for (int x = 0; x < _radius; x++)
            {
                from[..3].CopyTo(_row.AsSpan(3 * x));
                from[^3..].CopyTo(_row.AsSpan(3 * (_radius + _side + x)));
            }
            from.CopyTo(_row.AsSpan(3 * _radius));
            for (int i = 0; i < row; i += 8)
            {
                var sum = Vector256<float>.Zero;
                for (int k = 0; k < _taps.Length; k++) sum = Vector256.FusedMultiplyAdd(Vector256.Create(_taps[k]), Vector256.LoadUnsafe(ref _row[0], (nuint)(i + 3 * k)), sum);
                sum.StoreUnsafe(ref _other[y * row + i]);
            }
        }
        for (int y = 0; y < _side; y++)
        {
            for (int i = 0; i < row; i += 8)
            {
                var sum = Vector256<float>.Zero;
                for (int k = 0; k < _taps.Length; k++)
                {
                    int r = Math.Clamp(y + k - _radius, 0, _side - 1);
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(_taps[k]), Vector256.LoadUnsafe(ref _other[r * row + i]), sum);
                }
                sum.StoreUnsafe(ref _field[y * row + i]);
            }
        }
    }
}
