namespace MlffAd.Tests;

/// <summary>Random arrays, and finite differences along random directions.</summary>
internal static class Gradients
{
    /// <summary>Uniform numbers in [−scale, scale], at least <paramref name="awayFromZero"/> from 0 (kinks).</summary>
    public static float[] Random(int count, int seed, float scale = 1, float awayFromZero = 0)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            float v = (float)(random.NextDouble() * 2 - 1) * (scale - awayFromZero);
            return v + MathF.CopySign(awayFromZero, v);
        })];
    }

    /// <summary>Σ aᵢ bᵢ in float64.</summary>
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }

    /// <summary>Asserts that the gradient of <paramref name="loss"/> (Σ upstream · output, in float64) at
    /// <paramref name="inputs"/> is
    /// <paramref name="gradients"/>: along random directions v, central differences with Richardson extrapolation,
    /// (4 D(h/2) − D(h))/3, must equal Σ gradient · v.</summary>
    /// <param name="loss">A function of the inputs; float32 inside, so differences carry noise of
    /// about 1e-7·|loss|/h.</param>
    /// <param name="tolerance">Relative to ‖gradient‖·‖v‖/√n, the size the product has by chance.</param>
    public static void Check(Func<float[][], double> loss, float[][] inputs, float[][] gradients, double h = 1e-2,
        double tolerance = 2e-3, int directions = 3, int seed = 1)
    {
        for (int k = 0; k < inputs.Length; k++)
        {
            for (int d = 0; d < directions; d++)
            {
                float[] v = Random(inputs[k].Length, seed + 100 * k + d);
                double Difference(double step)
                {
                    float[] plus = [.. inputs[k].Zip(v, (x, e) => (float)(x + step * e))];
                    float[] minus = [.. inputs[k].Zip(v, (x, e) => (float)(x - step * e))];
                    return (At(plus) - At(minus)) / (2 * step);
                }
                double At(float[] x) => loss([.. inputs.Select((input, i) => i == k ? x : input)]);
                double numeric = (4 * Difference(h / 2) - Difference(h)) / 3, analytic = Dot(gradients[k], v);
                double size = Math.Sqrt(Dot(gradients[k], gradients[k])) * Math.Sqrt(Dot(v, v) / v.Length);
                Assert.True(Math.Abs(numeric - analytic) <= tolerance * Math.Max(size, 1e-6),
                    $"input {k}, direction {d}: differences give {numeric:G6}, the gradient {analytic:G6} (size "
                        + $"{size:G3})");
            }
        }
    }
}
