namespace MlffAd.Kernels;

/// <summary>Resizes 8-bit RGB images with an antialiasing triangle filter (PIL's BILINEAR, spec §2.2); the aspect ratio
/// is not kept.</summary>
/// <remarks>
/// Along each axis, with f = max(in/out, 1) and the centre c = (o + ½)·in/out of output o, input i weighs
/// <c>w(o, i) = max(0, 1 − |i + ½ − c| / f) / Σ</c>; then <c>y[o, p] = ⌊Σ_i w(o, i) Σ_j w(p, j) x[i, j] + ½⌋</c>:
/// rounded once, at the end. Both bodies sum down the columns first, in input order, then along the row; they differ by
/// the precision of the weights and by fused multiply-adds, hence by one grey level at most, where a sum is a rounding
/// error away from a half. An image is input and has no gradient.
/// </remarks>
public static partial class AntialiasResize
{
    private static readonly Kernel Named = new("imaging.resize");

    /// <summary>Resizes a batch of images of one size.</summary>
    /// <param name="rgb">The images' bytes, <c>[N, height, width, 3]</c>, contiguous, packed four to a float (see
    /// <see cref="Upload"/>).</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="y">Receives <c>[N, H, W, 3]</c>, contiguous: integers 0…255.</param>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public static void Forward(Tensor rgb, int height, int width, Tensor y)
    {
        Shape.Require("resize", y.C == 3 && y.IsContiguous && height > 0
            && width > 0, "images have three channels without gaps", y);
        Shape.Require("resize", rgb.IsContiguous
            && rgb.Count == Packed(y.Shape.N, height, width),
            $"{y.Shape.N} images of {height}×{width} bytes are wanted", rgb);
        // A triangle covers 2·max(in/out, 1) inputs per axis; in the GPU body each output sums its own columns.
        long taps = (long)Math.Ceiling(2 * Math.Max(1.0, (double)height / y.Shape.H))
            * (long)Math.Ceiling(2 * Math.Max(1.0, (double)width / y.Shape.W));
        using var _ = Named.Begin(y, 2 * taps * y.Count, 3L * y.Shape.N * height * width + sizeof(float) * y.Count);
        if (y.Device.IsHost) Host(rgb, height, width, y);
        else Gpu(rgb, height, width, y);
    }

    /// <summary>Copies image bytes to a device.</summary>
    /// <param name="device">Target.</param>
    /// <param name="rgb"><c>[count, height, width, 3]</c>, contiguous.</param>
    /// <param name="count">Images.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <returns>The bytes, packed four to a float.</returns>
    public static Tensor Upload(Device device, ReadOnlySpan<byte> rgb, int count, int height, int width)
    {
        if (rgb.Length != 3L * count * height * width)
            throw new ArgumentException($"{rgb.Length} bytes for {count} images of {height}×{width}.", nameof(rgb));
        var packed = new float[Packed(count, height, width)];
        rgb.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(packed.AsSpan()));
        return Tensor.From(device, Shape.Of(packed.Length), packed, "image bytes");
    }

    private static long Packed(int count, int height, int width) => (3L * count * height * width + 3) / 4;

    static partial void Gpu(Tensor rgb, int height, int width, Tensor y);
}
