using System.Runtime.InteropServices;

namespace MlffAd.Kernels;

/// <summary>The recipes of a batch: each image's bytes, its warp and its pseudo anomalies, packed for upload.</summary>
/// <remarks>
/// <para><c>[bytes of all images, four to a float | blur weights | N places | N recipes]</c>. A place is its recipe's
/// offset from the blur weights, as the bits of an int. A recipe is <c>[1 and a <see cref="Warp"/>, or 0 and as many
/// unused numbers | draws | draw, draw, …]</c>, a draw <c>[coloured squares, or −1 | black squares | squares, coloured
/// first, or a <see cref="Piece"/>]</c>.</para>
/// <para>Geometry is float32: a pixel whose centre lies within some 1e-7·S pixels of an edge may fall on its other
/// side.</para>
/// </remarks>
public sealed class RecipeBook(SynthesisOptions options, PixelNormalisation how)
{
    private readonly List<float> _recipes = [];
    private readonly List<int> _places = [];
    private float[] _packed = [];
    private int _count;

    /// <summary>Options common to all recipes.</summary>
    public SynthesisOptions Options => options;

    /// <summary>The backbone's normalisation.</summary>
    public PixelNormalisation Normalisation => how;

    /// <summary>Images added so far.</summary>
    public int Count => _places.Count;

    /// <summary>Usual upper bound of the floats of an image of side S and its recipe; twenty draws of squares take some
    /// 600.</summary>
    public static int UsualFloats(int side) => ImageFloats(side) + 1024;

    /// <summary>Floats that hold an image of side S.</summary>
    internal static int ImageFloats(int side) => 3 * side * side / sizeof(float);

    /// <summary>Begins a batch.</summary>
    /// <param name="count">Images that will be added.</param>
    public void Begin(int count)
    {
        _count = count;
        _recipes.Clear();
        _places.Clear();
        Reserve(count * UsualFloats(options.Side));
    }

    /// <summary>Adds an image.</summary>
    /// <param name="image"><c>[S, S, 3]</c>.</param>
    /// <param name="warp">Its augmentation; null for none.</param>
    /// <param name="draws">Candidate pseudo anomalies: the first that changes enough is applied. At most
    /// <see cref="SynthesisOptions.Draws"/>; none for a good image.</param>
    /// <exception cref="ArgumentException">The image has another size, there are too many draws, or a piece does not
    /// have four changes of colour.</exception>
    public void Add(ReadOnlySpan<byte> image, Warp? warp, IReadOnlyCollection<AnomalyDraw> draws)
    {
        if (image.Length != 3 * options.Pixels)
            throw new ArgumentException($"{image.Length} bytes for an image of {options.Side}×{options.Side}.",
                nameof(image));
        if (draws.Count > SynthesisOptions.Draws || draws.Any(d => d.Piece is { Changes.Count: not Piece.ChangeCount }))
            throw new ArgumentException(
                $"At most {SynthesisOptions.Draws} draws are tried, and a piece's colours change "
                    + $"{Piece.ChangeCount} times.", nameof(draws));
        int size = ImageFloats(options.Side);
        image.CopyTo(MemoryMarshal.AsBytes(_packed.AsSpan(Count * size, size)));
        _places.Add(options.Taps.Length + _count + _recipes.Count);
        Span<float> numbers = stackalloc float[Warp.Size];
        warp?.Write(numbers);
        _recipes.Add(warp is null ? 0 : 1);
        _recipes.AddRange(numbers);
        _recipes.Add(draws.Count);
        foreach (var draw in draws) draw.Write(_recipes);
    }

    /// <summary>The packed batch. Valid until the next call of <see cref="Begin"/>.</summary>
    public ReadOnlySpan<float> Pack()
    {
        if (Count != _count) throw new InvalidOperationException($"{Count} of {_count} images were added.");
        int at = _count * ImageFloats(options.Side), length = at + options.Taps.Length + _count + _recipes.Count;
        Reserve(length);
        options.Taps.CopyTo(_packed, at);
        at += options.Taps.Length;
        foreach (int place in _places) _packed[at++] = BitConverter.Int32BitsToSingle(place);
        _recipes.CopyTo(_packed, at);
        return _packed.AsSpan(0, length);
    }

    private void Reserve(int floats)
    {
        if (_packed.Length < floats) Array.Resize(ref _packed, Math.Max(floats, _packed.Length * 5 / 4));
    }
}
