namespace MlffAd.Tests;

/// <summary>A tensor of random numbers that is a channel slice of a wider one, to prove that an operator neither needs
/// adjoining rows nor writes between them.</summary>
internal sealed class Slice : IDisposable
{
    private readonly int _before, _after;
    private readonly Tensor _wide;
    private readonly float[] _all;

    public Slice(Device device, Shape shape, int seed, bool gaps = true, float scale = 1, int before = 2, int after = 3)
    {
        (_before, _after) = (before, after);
        var wide = gaps ? shape.WithC(shape.C + before + after) : shape;
        _all = Gradients.Random((int)wide.Count, seed, scale);
        _wide = Tensor.From(device, wide, _all, $"random {seed}");
        Tensor = gaps ? _wide.Slice(before, shape.C) : _wide;
        Values = Tensor.ToArray();
    }

    public Tensor Tensor { get; }

    /// <summary>What the tensor held at first.</summary>
    public float[] Values { get; }

    /// <summary>Asserts that the floats around the slice still hold what they held.</summary>
    public void AssertGapsUntouched()
    {
        float[] now = _wide.ToArray();
        for (int i = 0; i < now.Length; i++)
            if (i % _wide.C < _before || i % _wide.C >= _before + Tensor.C) Assert.Equal(_all[i], now[i]);
    }

    public void Dispose() => _wide.Dispose();
}
