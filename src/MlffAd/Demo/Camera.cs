using System.Numerics;

namespace MlffAd.Demo;

/// <summary>A lamp at one side, a lens that is not quite flat, a sensor with noise: what turns a <see cref="Scene"/>
/// into a photograph.</summary>
internal sealed class Camera(Rng rng)
{
    // In units: the lamp stands about three picture sides away at the upper left, and moves a little
    // from picture to picture.
    private readonly Vector3 _lamp = new(-330 + Vary(rng, 50), -400 + Vary(rng, 50), 560 + Vary(rng, 40));
    private readonly Vector3 _balance = new(1 + Vary(rng, 0.02f), 1, 1 + Vary(rng, 0.025f));
    private readonly Vector2 _axis = new(128 + Vary(rng, 12), 128 + Vary(rng, 12));
    private readonly Vector2 _tilt = new(Vary(rng, 0.35f), Vary(rng, 0.35f));
    private readonly float _exposure = 1 + Vary(rng, 0.06f);
    private readonly float _vignette = (float)rng.Uniform(0.12, 0.22);
    private readonly float _grain = (float)rng.Uniform(0.8, 1.2);
    private readonly Noise _noise = new(rng.Bits());

    public RgbImage Photograph(Scene scene)
    {
        int n = scene.Size;
        float[] sharp = Expose(scene), soft = Blur(sharp, n, 1.5f * n / 256);
        Span<float> fine = Blur(sharp, n, 0.55f * n / 256);
        var rgb = new byte[3 * n * n];
        for (int y = 0, i = 0; y < n; y++)
            for (int x = 0; x < n; x++)
            {
                var at = new Vector2(x + 0.5f, y + 0.5f) * (Scene.Side / n);
                // The part is not quite level with the plane of focus.
                float defocus = Math.Clamp(MathF.Abs(Vector2.Dot(at - _axis, _tilt)) / 90, 0, 1);
                float gain = _exposure * (1 - _vignette * Vector2.DistanceSquared(at, _axis) / (2 * 128 * 128));
                for (int c = 0; c < 3; c++, i++)
                {
                    float light = gain * _balance[c] * (fine[i] + defocus * (soft[i] - fine[i]));
                    // Shot noise grows with the root of the light, read noise is always there.
                    light += _grain * Grain(i) * MathF.Sqrt(0.000012f + 0.00045f * Math.Max(0, light));
                    rgb[i] = (byte)Colour.Round(255 * MathF.Pow(Math.Clamp(light, 0, 1), 1 / 2.2f));
                }
            }
        return new(n, n, rgb);
    }

    /// <summary>Light that arrives at each pixel, linear RGB: four samples' mean of ambient, diffuse and
    /// glossy reflection.</summary>
    private float[] Expose(Scene scene)
    {
        int n = scene.Samples;
        float step = Scene.Side / n;
        var light = new float[3 * scene.Size * scene.Size];
        for (int y = 0; y < n; y++)
            for (int x = 0; x < n; x++)
            {
                int s = y * n + x;
                float dx = scene.Height[x + 1 < n ? s + 1 : s] - scene.Height[x > 0 ? s - 1 : s];
                float dy = scene.Height[y + 1 < n ? s + n : s] - scene.Height[y > 0 ? s - n : s];
                var normal = Vector3.Normalize(new(-dx / (2 * step), -dy / (2 * step), 1));
                var at = new Vector3((x + 0.5f) * step, (y + 0.5f) * step, 0);
                var toLamp = Vector3.Normalize(_lamp - at);
                var half = Vector3.Normalize(toLamp + Vector3.Normalize(new Vector3(128, 128, 900) - at));
                float near = _lamp.LengthSquared() / Vector3.DistanceSquared(_lamp, at);
                float diffuse = 0.35f + 1.15f * near * MathF.Max(0, Vector3.Dot(normal, toLamp));
                float glossy = 2.6f * near * MathF.Pow(MathF.Max(0, Vector3.Dot(normal, half)), 18);
                float given = 0.25f * ((1 - scene.Gloss) * diffuse + scene.Gloss * glossy);
                int pixel = 3 * (y / 2 * scene.Size + x / 2);
                for (int c = 0; c < 3; c++) light[pixel + c] += given * scene.Colour[3 * s + c];
            }
        return light;
    }

    /// <summary>A Gaussian, border repeated.</summary>
    private static float[] Blur(float[] image, int n, float sigma)
    {
        int radius = (int)MathF.Ceiling(3 * sigma);
        float[] taps = [.. Enumerable.Range(-radius, 2 * radius + 1)
            .Select(i => MathF.Exp(-i * i / (2 * sigma * sigma)))];
        float sum = taps.Sum();
        float[] Pass(float[] from, int stride, int acrossStride)
        {
            var to = new float[from.Length];
            for (int across = 0; across < n; across++)
                for (int along = 0; along < n; along++)
                    for (int t = -radius; t <= radius; t++)
                    {
                        float weight = taps[t + radius] / sum;
                        int source = 3 * (across * acrossStride + Math.Clamp(along + t, 0, n - 1) * stride);
                        int target = 3 * (across * acrossStride + along * stride);
                        for (int c = 0; c < 3; c++) to[target + c] += weight * from[source + c];
                    }
            return to;
        }
        return Pass(Pass(image, 1, n), n, 1);
    }

    /// <summary>Nearly normal, variance 1: the sum of three uniform numbers.</summary>
    private float Grain(int i) => _noise.At(i) + _noise.At(i, 1) + _noise.At(i, 2);

    private static float Vary(Rng rng, float by) => (float)rng.Uniform(-by, by);
}
