namespace MlffAd.Autograd;

/// <summary>A tensor in a computation and, once backward reaches it, the gradient of the loss to it; or a view of
/// another value.</summary>
/// <remarks>Views share their root's storage and gradient. Consumers get the gradient's buffer to write: the first to
/// ask for a whole value's overwrites, later ones add; if a part is asked for first, the whole starts from zero. A
/// value used twice so gets the sum of both.</remarks>
public sealed class Value
{
    private readonly Value _root;
    private readonly Func<Tensor, Tensor> _view;
    private Tensor? _tensor, _gradient;   // of a view: views of the root's
    private bool _written, _needs;

    /// <summary>A value without storage yet.</summary>
    public Value(Shape shape, string name) => (Shape, Name, _root, _view) = (shape, name, this, tensor => tensor);

    /// <summary>A value that exists: an input, or a parameter with the place of its gradient.</summary>
    public Value(Tensor tensor, Tensor? gradient = null) : this(tensor.Shape, tensor.Name) =>
        (_tensor, _gradient, _needs) = (tensor, gradient, gradient is not null);

    private Value(Value of, Shape shape, int start, Func<Tensor, Tensor> view)
    {
        (Shape, Name, Start, _root) = (shape, of.Name, of.Start + start, of._root);
        _view = of._root == of ? view : tensor => view(of._view(tensor));
    }

    /// <summary>Extents.</summary>
    public Shape Shape { get; }

    /// <summary>Its first channel among its root's.</summary>
    public int Start { get; }

    /// <summary>Name for messages.</summary>
    public string Name { get; }

    /// <summary>The value whose storage this one shares: itself, unless it is a view.</summary>
    public Value Root => _root;

    /// <summary>Whether the loss is differentiated with respect to it or to anything it was computed from; true of a
    /// whole if of a part.</summary>
    public bool NeedsGradient { get => _root._needs; set => _root._needs = value; }

    /// <summary>Whether a gradient has arrived.</summary>
    public bool HasGradient => _root._written;

    /// <summary>The numbers.</summary>
    /// <exception cref="ObjectDisposedException">The storage has been returned.</exception>
    public Tensor Tensor => _root._tensor is { IsAlive: true } whole ? _tensor ??= _view(whole)
        : throw new ObjectDisposedException(Name,
            $"The value '{Name}' {Shape} was used before it was computed or after it was freed.");

    /// <summary>Whether it has storage.</summary>
    public bool IsBound => _root._tensor is { IsAlive: true };

    /// <summary>Channels <paramref name="start"/> … of every position, as a view.</summary>
    public Value Slice(int start, int count) =>
        new(this, Shape.WithC(count), start, tensor => tensor.Slice(start, count));

    /// <summary>The same numbers under another shape, as a view.</summary>
    public Value Reshape(Shape shape) => new(this, shape, 0, tensor => tensor.Reshape(shape));

    /// <summary>Whether it shares elements with another.</summary>
    public bool Overlaps(Value other) =>
        _root == other._root && Start < other.Start + other.Shape.C && other.Start < Start + Shape.C;

    /// <summary>Gives a root its storage.</summary>
    public void Bind(Tensor tensor) => _tensor = tensor;

    /// <summary>Gives a root its storage again.</summary>
    public void Revive() => _tensor?.Revive();

    /// <summary>The gradient, for the step that made the value.</summary>
    public Tensor Gradient =>
        _root._gradient is { IsAlive: true } whole
            ? _gradient ??= _view(whole)
            : throw new InvalidOperationException($"No gradient has reached '{Name}' {Shape}.");

    /// <summary>The gradient's buffer, for a consumer to write.</summary>
    /// <param name="add">Whether to add to what the buffer holds; else overwrite all of it.</param>
    public Tensor Receive(out bool add)
    {
        add = _root._written || _root != this;
        bool isNew = _root._gradient is not { IsAlive: true };
        if (_root._gradient is null)
            _root._gradient = Tensor.Rent(_root.Tensor.Device, _root.Shape, _root.Name + ".gradient",
                _root.Tensor.Capacity, _root.Tensor.Format);
        else _root._gradient.Revive();
        if (isNew && add) Kernels.Pointwise.Fill(_root._gradient, 0);
        _root._written = true;
        return Gradient;
    }

    /// <summary>Returns storage and gradient until the value is revived; views die with them. A parameter keeps both,
    /// which are views themselves.</summary>
    public void Free()
    {
        if (_root != this) return;
        _tensor?.Dispose();
        _gradient?.Dispose();
        _written = false;
    }
}
