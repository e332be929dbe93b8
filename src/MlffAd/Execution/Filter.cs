using System.Numerics;

namespace MlffAd.Execution;

/// <summary>A convolution's weights and bias on the host. Output scales are kept apart and applied when the weights are
/// packed, layer by layer in the same scratch memory, which saves a copy of all weights.</summary>
/// <param name="weights">[Cout, K, K, Cin].</param>
/// <param name="outputs">Cout.</param>
/// <param name="scales">One for each output, or null.</param>
/// <param name="bias">One for each output, or null.</param>
internal sealed class Filter(ReadOnlyMemory<float> weights, int outputs, double[]? scales, float[]? bias)
{
    /// <summary>Numbers of the weights.</summary>
    public int Count => weights.Length;

    /// <summary>Numbers of an output's weights.</summary>
    public int Terms => weights.Length / outputs;

    public float[]? Bias => bias;

    /// <summary>An output's weights, scaled: in <paramref name="room"/>, if there is anything to scale.</summary>
    public ReadOnlySpan<float> Row(int o, Span<float> room)
    {
        var row = weights.Span.Slice(o * Terms, Terms);
        if (scales is null) return row;
        var scaled = room[..row.Length];
        var scale = new Vector<double>(scales[o]);
        int t = 0;
        for (; t <= row.Length - Vector<float>.Count; t += Vector<float>.Count)
        {
            var some = new Vector<float>(row[t..]);
            Vector.Narrow(scale * Vector.WidenLower(some), scale * Vector.WidenUpper(some)).CopyTo(scaled[t..]);
        }
        for (; t < row.Length; t++) scaled[t] = (float)(scales[o] * row[t]);
        return scaled;
    }

    /// <summary>All weights, scaled: in <paramref name="room"/>, if there is anything to scale.</summary>
    public ReadOnlySpan<float> Rows(float[] room, ThreadTeam team)
    {
        if (scales is null) return weights.Span;
        team.For(outputs, new ScaleJob(this, room));
        return room.AsSpan(0, Count);
    }

    /// <summary>All weights, scaled.</summary>
    public float[] ToArray()
    {
        float[] all = new float[Count];
        for (int o = 0; o < outputs; o++)
        {
            var to = all.AsSpan(o * Terms, Terms);
            Row(o, to).CopyTo(to);
        }
        return all;
    }

    private readonly struct ScaleJob(Filter filter, float[] to) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int o = begin; o < end; o++) filter.Row(o, to.AsSpan(o * filter.Terms, filter.Terms));
        }
    }
}
