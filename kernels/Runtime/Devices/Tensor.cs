namespace MlffAd.Kernels.Runtime;

/// <summary>A tensor's number format.</summary>
public enum Format
{
    /// <summary>As float32.</summary>
    Float32,

    /// <summary>BF16: float32's upper 16 bits, rounded to nearest. GPUs only; channels must be a multiple of
    /// eight.</summary>
    Bf16,
}

/// <summary>A channels-last array on a device, float32 by default: owns a pooled buffer, or is a view of another
/// tensor's.</summary>
/// <remarks>Element (n, h, w, c) lies at <c>((n·H + h)·W + w)·Pitch + c</c> elements from the start. A channel slice of
/// a wider tensor has Pitch &gt; C, which is how concatenation costs nothing: the producers write into slices of one
/// buffer. Disposing the owner returns the buffer to the pool and kills its views; using a dead tensor
/// throws and names it.</remarks>
public sealed class Tensor : IDisposable
{
    private readonly Tensor _root;
    private readonly long _offset, _reserved;
    private Storage? _storage;   // of the root only

    private Tensor(Device device, Shape shape, string name, long reserved, Format format)
    {
        (Device, Shape, Name, Pitch, _root, _reserved, Format) = (device, shape, name, shape.C, this, reserved, format);
        if (format == Format.Bf16 && device.IsHost)
            throw new ArgumentException($"'{name}' is in BF16, which the processor does not compute in.");
        RequireEights();
    }

    private Tensor(Tensor of, Shape shape, int pitch, long offset, Format? format = null)
    {
        (Device, Shape, Name, Pitch, _root, _offset, Format) =
            (of.Device, shape, of.Name, pitch, of._root, offset, format ?? of.Format);
        RequireEights();
    }

    private static int SizeOf(Format format) => format == Format.Bf16 ? sizeof(ushort) : sizeof(float);

    private void RequireEights()
    {
        if (Format == Format.Bf16 && (C % 8 != 0 || Pitch % 8 != 0 || _offset % 8 != 0))
            throw new ArgumentException($"{this} is in BF16, whose channels must be a multiple of eight.");
    }

    /// <summary>Where the data lies.</summary>
    public Device Device { get; }

    /// <summary>Extents.</summary>
    public Shape Shape { get; }

    /// <summary>Name for messages and leak reports.</summary>
    public string Name { get; }

    /// <summary>How the numbers lie in memory; what passes through <see cref="Write"/> and <see cref="Read"/> is
    /// float32 always.</summary>
    public Format Format { get; }

    /// <summary>Elements between one position's channels and the next position's.</summary>
    public int Pitch { get; }

    /// <summary>Positions: N·H·W.</summary>
    public int Rows => Shape.Rows;

    /// <summary>Channels.</summary>
    public int C => Shape.C;

    /// <summary>Elements that the buffer has room for, from the root's start.</summary>
    public long Capacity => _root.Storage.Length * sizeof(float) / Size;

    /// <summary>Elements.</summary>
    public long Count => Shape.Count;

    /// <summary>Bytes of its elements.</summary>
    public long Bytes => Count * Size;

    /// <summary>Bytes of an element.</summary>
    private int Size => SizeOf(Format);

    /// <summary>Whether the elements lie without gaps.</summary>
    public bool IsContiguous => Pitch == C || Rows == 1;

    /// <summary>Whether it has its buffer: it was not returned, or revived since.</summary>
    public bool IsAlive => _root._storage is not null;

    /// <summary>Whether this is a view of another tensor's buffer.</summary>
    public bool IsView => _root != this;

    /// <summary>Elements from the root's first to this tensor's.</summary>
    public long Offset => _offset;

    /// <summary>Bytes from the root's first element to this tensor's.</summary>
    public long OffsetBytes => _offset * Size;

    /// <summary>Elements from the first to behind the last.</summary>
    internal long Extent => (long)(Rows - 1) * Pitch + C;

    internal Storage Storage =>
        _root._storage
            ?? throw new ObjectDisposedException(Name, $"The tensor '{Name}' {Shape} was used after it was returned.");

    /// <summary>Rents a tensor; its contents are undefined.</summary>
    /// <param name="device">Where.</param>
    /// <param name="shape">Extents; fewer than 2³¹ elements.</param>
    /// <param name="name">Name for messages.</param>
    /// <param name="capacity">Elements to reserve, when a later, larger use of the same buffer is known.</param>
    /// <param name="format">How the numbers shall lie in memory.</param>
    /// <exception cref="DeviceException">The device has not enough memory, or no buffer is so large.</exception>
    public static Tensor Rent(Device device, Shape shape, string name, long capacity = 0, Format format =
        Format.Float32)
    {
        if (shape.N <= 0 || shape.H <= 0 || shape.W <= 0 || shape.C <= 0)
            throw new ArgumentException($"'{name}' has an empty shape {shape}.");
        if (shape.Count > int.MaxValue)
            throw new DeviceException(
                $"'{name}' {shape} would have more than 2^31 numbers; try a smaller --batch or --image-size.");
        long reserved = Math.Max(shape.Count, capacity);
        ref var known = ref device.Pool.Known(name, shape, format);
        if (known is not { IsAlive: false } tensor || tensor._reserved != reserved)
            known = tensor = new Tensor(device, shape, name, reserved, format);
        tensor.Revive();
        return tensor;
    }

    /// <summary>Rents a tensor and fills it.</summary>
    public static Tensor From(Device device, Shape shape, ReadOnlySpan<float> values, string name, Format format =
        Format.Float32)
    {
        var t = Rent(device, shape, name, format: format);
        t.Write(values);
        return t;
    }

    /// <summary>Channels <paramref name="start"/> … start + count − 1 of every position, as a view.</summary>
    public Tensor Slice(int start, int count)
    {
        if (start < 0 || count <= 0 || start + count > C)
            throw new ArgumentOutOfRangeException(nameof(start), $"Channels {start}…{start + count - 1} of {this}.");
        return new Tensor(this, Shape.WithC(count), Pitch, _offset + start);
    }

    /// <summary>Items <paramref name="first"/> … first + count − 1 of the batch, as a view.</summary>
    public Tensor Items(int first, int count)
    {
        if (first < 0 || count <= 0 || first + count > Shape.N)
            throw new ArgumentOutOfRangeException(nameof(first), $"Items {first}…{first + count - 1} of {this}.");
        return new Tensor(this, Shape with { N = count }, Pitch, _offset + (long)first * Shape.Area * Pitch);
    }

    /// <summary>What lies in a contiguous tensor from element <paramref name="start"/> on, seen in another shape and,
    /// if one is given, format, as a view.</summary>
    public Tensor Part(long start, Shape shape, Format? format = null)
    {
        int size = SizeOf(format ?? Format);
        if (!IsContiguous || start < 0 || start * Size + shape.Count * size > Bytes || start * Size % size != 0)
            throw new ArgumentOutOfRangeException(nameof(start), $"{shape} from element {start} of {this} on.");
        return new Tensor(this, shape, shape.C, (_offset + start) * Size / size, format);
    }

    /// <summary>The same elements under another shape: positions regrouped, or, when contiguous, anything
    /// of equal count.</summary>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Count != Count || (shape.C != C && !IsContiguous))
            throw new ArgumentException($"{this} cannot be seen as {shape}.");
        return new Tensor(this, shape, shape.C == C ? Pitch : shape.C, _offset);
    }

    /// <summary>Copies <paramref name="values"/> (row-major, without gaps) into the tensor.</summary>
    public void Write(ReadOnlySpan<float> values)
    {
        if (values.Length != Count) throw new ArgumentException($"{values.Length} values for {this}.");
        Device.Write(this, values);
    }

    /// <summary>Copies the elements (row-major, without gaps) out of the tensor; waits for the device.</summary>
    public void Read(Span<float> values)
    {
        if (values.Length != Count) throw new ArgumentException($"{this} into {values.Length} values.");
        Device.Read(this, values);
    }

    /// <summary>The elements, row-major, as a new array; waits for the device.</summary>
    public float[] ToArray()
    {
        var values = new float[Count];
        Read(values);
        return values;
    }

    /// <summary>Rents a buffer again after <see cref="Dispose"/>; views live again with it. Contents are undefined.
    /// Does nothing to a view, or to a tensor that is alive.</summary>
    public void Revive()
    {
        if (!IsView) _storage ??= Device.Pool.Rent(Format == Format.Bf16 ? (_reserved + 1) / 2 : _reserved, Name);
    }

    /// <summary>Returns the buffer to the pool. Disposing a view does nothing.</summary>
    public void Dispose()
    {
        if (IsView || _storage is null) return;
        Device.Pool.Return(_storage);
        _storage = null;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"'{Name}' {Shape}{(Format == Format.Bf16 ? " bf16" : "")}{(Pitch == C ? "" : $" pitch {Pitch}")}";
}

/// <summary>Where a gradient goes: a tensor, overwritten or added to.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Add">Whether to add to what it holds.</param>
public readonly record struct GradientTo(Tensor Tensor, bool Add = false)
{
    /// <summary>A tensor that is overwritten.</summary>
    public static implicit operator GradientTo(Tensor tensor) => new(tensor);
}
