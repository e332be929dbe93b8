using ILGPU;

namespace MlffAd.Kernels.Runtime;

/// <summary>Channels a thread processes at once, as a type argument of a body: one; four as 16 bytes; or four in BF16
/// as 8 bytes.</summary>
internal interface IChannels<T> where T : unmanaged
{
    /// <summary>Channels.</summary>
    int Count { get; }

    T Load(GpuRows rows, int row, int c);

    void Store(GpuRows rows, int row, int c, T value);

    T All(float value);

    T Add(T a, T b);

    T Multiply(T a, T b);

    T Sqrt(T x);

    /// <summary>f(x).</summary>
    T Apply<TFunction>(T x) where TFunction : unmanaged, IFunction;

    /// <summary>dy·f', told from y.</summary>
    T Gradient<TFunction>(T y, T dy) where TFunction : unmanaged, IFunction;

    /// <summary>Takes v, and its number, for the best so far if it is greater or not a number, or if
    /// there is none yet.</summary>
    void Challenge(ref T best, ref T winner, T v, float number);

    /// <summary>v where the winner is the number, else 0.</summary>
    T Won(T v, T winner, float number);
}

/// <summary>One channel.</summary>
internal readonly struct OneChannel : IChannels<float>
{
    public int Count => 1;

    public float Load(GpuRows rows, int row, int c) => rows[row, c];

    public void Store(GpuRows rows, int row, int c, float value) => rows[row, c] = value;

    public float All(float value) => value;

    public float Add(float a, float b) => a + b;

    public float Multiply(float a, float b) => a * b;

    public float Sqrt(float x) => MathF.Sqrt(x);

    public float Apply<TFunction>(float x) where TFunction : unmanaged, IFunction => default(TFunction).Apply(x);

    public float Gradient<TFunction>(float y, float dy)
        where TFunction : unmanaged, IFunction => default(TFunction).Gradient(y, dy);

    public void Challenge(ref float best, ref float winner, float v, float number)
    {
        if (winner < 0 || v > best || float.IsNaN(v)) (best, winner) = (v, number);   // nothing is greater than NaN
    }

    public float Won(float v, float winner, float number) => winner == number ? v : 0;
}

/// <summary>Four channels; rows must be aligned to 16 bytes, pitches and channels multiples of four.</summary>
internal readonly struct FourChannels : IChannels<Four>
{
    public int Count => 4;

    public Four Load(GpuRows rows, int row, int c) => rows.Wide(row, c);

    public void Store(GpuRows rows, int row, int c, Four value) => rows.Wide(row, c) = value;

    public Four All(float value) => new(value, value, value, value);

    public Four Add(Four a, Four b) => a + b;

    public Four Multiply(Four a, Four b) => a * b;

    public Four Sqrt(Four x) => new(MathF.Sqrt(x.X), MathF.Sqrt(x.Y), MathF.Sqrt(x.Z), MathF.Sqrt(x.W));

    public Four Apply<TFunction>(Four x)
        where TFunction : unmanaged, IFunction =>
        new(default(TFunction).Apply(x.X), default(TFunction).Apply(x.Y), default(TFunction).Apply(x.Z),
            default(TFunction).Apply(x.W));

    public Four Gradient<TFunction>(Four y, Four dy) where TFunction : unmanaged, IFunction =>
        new(default(TFunction).Gradient(y.X, dy.X), default(TFunction).Gradient(y.Y, dy.Y),
            default(TFunction).Gradient(y.Z, dy.Z), default(TFunction).Gradient(y.W, dy.W));

    public void Challenge(ref Four best, ref Four winner, Four v, float number)
    {
        default(OneChannel).Challenge(ref best.X, ref winner.X, v.X, number);
        default(OneChannel).Challenge(ref best.Y, ref winner.Y, v.Y, number);
        default(OneChannel).Challenge(ref best.Z, ref winner.Z, v.Z, number);
        default(OneChannel).Challenge(ref best.W, ref winner.W, v.W, number);
    }

    public Four Won(Four v, Four winner, float number) =>
        new(default(OneChannel).Won(v.X, winner.X, number), default(OneChannel).Won(v.Y, winner.Y, number),
            default(OneChannel).Won(v.Z, winner.Z, number), default(OneChannel).Won(v.W, winner.W, number));
}

/// <summary>Four channels in BF16: rounded where they are stored.</summary>
internal readonly struct FourHalves : IChannels<Four>
{
    public int Count => 4;

    public Four Load(GpuRows rows, int row, int c)
    {
        var words = rows.Data.Cast<Two>()[row * (rows.Pitch / 4) + c / 4];
        return new(Bf16.Low(words.X), Bf16.High(words.X), Bf16.Low(words.Y), Bf16.High(words.Y));
    }

    public void Store(GpuRows rows, int row, int c, Four value) =>
        rows.Data.Cast<Two>()[row * (rows.Pitch / 4) + c / 4] = new(Bf16.Pack(value.X, value.Y),
            Bf16.Pack(value.Z, value.W));

    public Four All(float value) => default(FourChannels).All(value);

    public Four Add(Four a, Four b) => a + b;

    public Four Multiply(Four a, Four b) => a * b;

    public Four Sqrt(Four x) => default(FourChannels).Sqrt(x);

    public Four Apply<TFunction>(Four x)
        where TFunction : unmanaged, IFunction => default(FourChannels).Apply<TFunction>(x);

    public Four Gradient<TFunction>(Four y, Four dy)
        where TFunction : unmanaged, IFunction => default(FourChannels).Gradient<TFunction>(y, dy);

    public void Challenge(ref Four best, ref Four winner, Four v, float number) =>
        default(FourChannels).Challenge(ref best, ref winner, v, number);

    public Four Won(Four v, Four winner, float number) => default(FourChannels).Won(v, winner, number);
}

internal static class Channels
{
    /// <summary>Whether operands are BF16: all of them, or none.</summary>
    public static bool InBf16(params ReadOnlySpan<GpuRows> operands)
    {
        foreach (var rows in operands)
            if (rows.IsBf16 != operands[0].IsBf16)
                throw new ArgumentException("An operator's maps must be all float32 or all BF16.");
        return operands[0].IsBf16;
    }

    /// <summary>Whether all operands can be taken by <see cref="FourChannels"/>.</summary>
    public static bool InFours(int channels, params ReadOnlySpan<GpuRows> operands)
    {
        bool all = channels % 4 == 0, bf16 = false;
        foreach (var rows in operands)
        {
            all &= rows.IsAligned && rows.Pitch % 4 == 0;
            bf16 |= rows.IsBf16;
        }
        return all || !bf16
            ? all
            : throw new ArgumentException("Beside a map of BF16 all operands must begin at multiples of 16 bytes.");
    }

    /// <summary>The thread's row and first channel, row-major: accesses coalesce.</summary>
    public static int Locate<TChannels, T>(int channels, out int c)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged
    {
        int i = Grid.GlobalIndex.X, across = channels / default(TChannels).Count;
        c = i % across * default(TChannels).Count;
        return i / across;
    }

    /// <summary>Stores, or adds to what is there.</summary>
    public static void Put<TChannels, T>(GpuRows rows, int row, int c, T value, int add)
        where TChannels : unmanaged, IChannels<T> where T : unmanaged =>
        default(TChannels).Store(rows, row, c, add != 0
            ? default(TChannels).Add(default(TChannels).Load(rows, row, c), value)
            : value);
}
