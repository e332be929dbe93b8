namespace MlffAd.Kernels;

/// <summary>Makes a training batch from good images: warps them, adds pseudo anomalies, normalises, and labels the
/// changed cells (spec §2.3–2.8).</summary>
/// <remarks>
/// For each image, by its recipe: <c>before = warp(image)</c>; draw by draw <c>after = draw(before)</c> until at least
/// <c>minPixels</c> pixels changed by <c>minChange</c> in some channel, else <c>after = before</c>;
/// <c>y = normalise(after)</c>; a cell is 1 if more of its pixels changed than a good one's may. Values are rounded to
/// 8 bits between the stages, as in an image library. Reads 3 bytes per pixel, writes 12; at most 2·3·(2r + 1)
/// multiply-adds per pixel near confetti. An image is input and has no gradient.
/// </remarks>
public static partial class Synthesis
{
    private static readonly Kernel Named = new("synthesis");

    /// <summary>Makes a batch.</summary>
    /// <param name="book">Result of <see cref="RecipeBook.Pack"/> for exactly N images, which are overwritten: usable
    /// once.</param>
    /// <param name="options">The book's options.</param>
    /// <param name="how">The backbone's normalisation.</param>
    /// <param name="images">Receives <c>[N, S, S, 3]</c>, contiguous.</param>
    /// <param name="labels">Receives <c>[N, S/8, S/8]</c> or <c>[N, S/8, S/8, 1]</c>, contiguous: 1 where
    /// anomalous, else 0.</param>
    /// <param name="stayedGood">Receives <c>[N]</c>: 1 where there were draws and none changed enough, else 0.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or S is no multiple of 64.</exception>
    public static void Forward(Tensor book, SynthesisOptions options, PixelNormalisation how, Tensor images,
        Tensor labels, Tensor stayedGood)
    {
        int n = images.Shape.N, bytes = n * RecipeBook.ImageFloats(options.Side);
        Shape.Require("synthesis", options.Side % 64 == 0, $"a side that is a multiple of 64 is wanted", images);
        Shape.Require("synthesis", images.Shape == new Shape(n, options.Side, options.Side, 3)
            && images.IsContiguous, $"images of {options.Side}×{options.Side} are wanted", images);
        Shape.Require("synthesis", labels.Count == n * options.Cells && labels.IsContiguous && stayedGood.Count == n
            && stayedGood.IsContiguous,
            $"a label for each of {options.Cells} cells, and a number for each image are wanted", images, labels,
            stayedGood);
        Shape.Require("synthesis", book.IsContiguous
            && book.Count > bytes + options.Taps.Length + n, $"a book of {n} recipes is wanted", book);
        long pixels = (long)n * options.Pixels;
        using var _ =
            Named.Begin(images, 2 * images.Count, (3 + 3 * sizeof(float)) * pixels + sizeof(float) * labels.Count);
        if (images.Device.IsHost) Host(book, options, how, images, labels, stayedGood);
        else Gpu(book, options, how, images, labels, stayedGood);
    }

    static partial void Gpu(Tensor book, SynthesisOptions options, PixelNormalisation how, Tensor images,
        Tensor labels, Tensor stayedGood);
}
