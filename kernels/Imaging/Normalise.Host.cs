using System.Runtime.Intrinsics;

namespace MlffAd.Kernels;

public static unsafe partial class Normalise
{
    /// <summary>Normalises pixels in host memory, on the calling thread.</summary>
    /// <param name="rgb">Pixels, three bytes each.</param>
    /// <param name="y">Receives three floats a pixel.</param>
    /// <param name="how">Scale, means, deviations, channel order.</param>
    public static void Forward(ReadOnlySpan<byte> rgb, Span<float> y, PixelNormalisation how)
    {
        if (rgb.Length != y.Length || rgb.Length % 3 != 0)
            throw new ArgumentException($"{rgb.Length} bytes to {y.Length} floats.");
        // A load of 16 bytes holds four pixels, which fill three vectors; then the channel pattern repeats.
        var (f0, f1, f2) = Pattern(how.Factor);
        var (s0, s1, s2) = Pattern(how.Shift);
        var order = how.Bgr
            ? Vector128.Create((byte)2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9, 12, 13, 14, 15)
            : Vector128.Create((byte)0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        int i = 0;
        fixed (byte* from = rgb)
        fixed (float* to = y)
        {
            for (; i <= rgb.Length - 16; i += 12)
            {
                var (low, high) = Vector128.Widen(Vector128.Shuffle(Vector128.Load(from + i), order));
                var (x0, x1) = Vector128.Widen(low);
                var x2 = Vector128.WidenLower(high);
                Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(x0.AsInt32()), f0, s0).Store(to + i);
                Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(x1.AsInt32()), f1, s1).Store(to + i + 4);
                Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(x2.AsInt32()), f2, s2).Store(to + i + 8);
            }
            for (; i < rgb.Length; i += 3)
                for (int c = 0; c < 3; c++)
                    to[i + c] = MathF.FusedMultiplyAdd(from[i + (how.Bgr ? 2 - c : c)], how.Factor[c], how.Shift[c]);
        }
    }

    private static (Vector128<float>, Vector128<float>, Vector128<float>) Pattern(float[] c) =>
        (Vector128.Create(c[0], c[1], c[2], c[0]), Vector128.Create(c[1], c[2], c[0], c[1]),
            Vector128.Create(c[2], c[0], c[1], c[2]));

    private static void Host(Tensor x, Tensor y, PixelNormalisation how) =>
        y.Device.Team.For(y.Rows, new Pixels(x.Host.Data, y.Host.Data, how), 2);

    private readonly struct Pixels(float* x, float* y, PixelNormalisation how) : IJob
    {
        public void Run(int begin, int end)
        {
            int first = how.Bgr ? 2 : 0;
            for (int p = 3 * begin; p < 3 * end; p += 3)
            {
                float v0 = x[p + first], v1 = x[p + 1], v2 = x[p + 2 - first];
                y[p] = MathF.FusedMultiplyAdd(v0, how.Factor[0], how.Shift[0]);
                y[p + 1] = MathF.FusedMultiplyAdd(v1, how.Factor[1], how.Shift[1]);
                y[p + 2] = MathF.FusedMultiplyAdd(v2, how.Factor[2], how.Shift[2]);
            }
        }
    }
}
