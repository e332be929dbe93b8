using System.Buffers;
using System.Runtime.Intrinsics;

namespace MlffAd.Kernels;

public static unsafe partial class AntialiasResize
{
    /// <summary>Resizes one image in host memory, on the calling thread.</summary>
    /// <param name="rgb"><c>[height, width, 3]</c>.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="resized">Receives <c>[outHeight, outWidth, 3]</c>.</param>
    /// <param name="outHeight">Rows of the result.</param>
    /// <param name="outWidth">Columns of the result.</param>
    public static void Forward(ReadOnlySpan<byte> rgb, int height, int width, Span<byte> resized, int outHeight,
        int outWidth)
    {
        if (rgb.Length != 3L * height * width || resized.Length != 3L * outHeight * outWidth)
            throw new ArgumentException(
                $"{rgb.Length} bytes for {height}×{width}, {resized.Length} for {outHeight}×{outWidth}.");
        fixed (byte* from = rgb, to = resized)
            new Rows(images: from, height: height, width: width, down: new(height, outHeight),
                along: new(width, outWidth), floats: null, bytes: to).Run(0, outHeight);
    }

    private static void Host(Tensor rgb, int height, int width, Tensor y) =>
        y.Device.Team.For(y.Shape.N * y.Shape.H, new Rows(images: (byte*)rgb.Host.Data, height: height, width: width,
            down: new(height, y.Shape.H), along: new(width, y.Shape.W), floats: y.Host.Data, bytes: null));

    /// <summary>Items are output rows, counted over the batch, written as floats or as bytes.</summary>
    private readonly struct Rows(byte* images, int height, int width, ResizeTaps down, ResizeTaps along, float* floats,
        byte* bytes) : IJob
    {
        public void Run(int begin, int end)
        {
            // One float of padding after each row: pixels are read and written four floats at a time.
            int inRow = 3 * width, outHeight = down.First.Length, outRow = 3 * along.First.Length;
            float[] scratch = ArrayPool<float>.Shared.Rent(inRow + outRow + 2);
            fixed (float* column = scratch)
            {
                float* row = column + inRow + 1;
                column[inRow] = 0;
                for (int r = begin; r < end; r++)
                {
                    SumColumns(images + (nint)(r / outHeight) * height * inRow, inRow, r % outHeight, column);
                    SumRow(column, row);
                    if (floats != null)
                        new Span<float>(row, outRow).CopyTo(new Span<float>(floats + (nint)r * outRow, outRow));
                    else for (int i = 0; i < outRow; i++) bytes[(nint)r * outRow + i] = (byte)row[i];
                }
            }
            ArrayPool<float>.Shared.Return(scratch);
        }

        /// <summary><c>column[i] = Σ_k w[k]·x[first + k, i]</c>, 32 bytes of a row at a time: four vectors of sums
        /// stay in registers.</summary>
        private void SumColumns(byte* image, int inRow, int o, float* column)
        {
            byte* top = image + (nint)down.First[o] * inRow;
            int taps = down.Count[o], i = 0;
            var weights = down.Weights.AsSpan(o * down.Width, taps);
            for (; i <= inRow - 32; i += 32)
            {
                Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
                for (int k = 0; k < taps; k++)
                {
                    var w = Vector256.Create(weights[k]);
                    var (low, high) = Vector256.Widen(Vector256.Load(top + (nint)k * inRow + i));
                    var (x0, x1) = Vector256.Widen(low);
                    var (x2, x3) = Vector256.Widen(high);
                    s0 = Vector256.FusedMultiplyAdd(w, Vector256.ConvertToSingle(x0.AsInt32()), s0);
                    s1 = Vector256.FusedMultiplyAdd(w, Vector256.ConvertToSingle(x1.AsInt32()), s1);
                    s2 = Vector256.FusedMultiplyAdd(w, Vector256.ConvertToSingle(x2.AsInt32()), s2);
                    s3 = Vector256.FusedMultiplyAdd(w, Vector256.ConvertToSingle(x3.AsInt32()), s3);
                }
                s0.Store(column + i);
                s1.Store(column + i + 8);
                s2.Store(column + i + 16);
                s3.Store(column + i + 24);
            }
            for (; i < inRow; i++)
            {
                float s = 0;
                for (int k = 0; k < taps; k++) s = MathF.FusedMultiplyAdd(weights[k], top[(nint)k * inRow + i], s);
                column[i] = s;
            }
        }

        /// <summary><c>row[o] = ⌊Σ_k w[o, k]·column[first(o) + k] + ½⌋</c>, one pixel a vector; the next pixel
        /// overwrites its fourth lane.</summary>
        private void SumRow(float* column, float* row)
        {
            for (int o = 0; o < along.First.Length; o++)
            {
                var s = Vector128<float>.Zero;
                float* x = column + 3 * along.First[o];
                var weights = along.Weights.AsSpan(o * along.Width, along.Count[o]);
                for (int k = 0; k < weights.Length; k++)
                    s = Vector128.FusedMultiplyAdd(Vector128.Create(weights[k]), Vector128.Load(x + 3 * k), s);
                Vector128.Floor(s + Vector128.Create(0.5f)).Store(row + 3 * o);
            }
        }
    }
}
