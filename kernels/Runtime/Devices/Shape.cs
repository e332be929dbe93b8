using System.Runtime.CompilerServices;

namespace MlffAd.Kernels.Runtime;

/// <summary>Extents of a channels-last tensor <c>[N, H, W, C]</c>.</summary>
/// <remarks>Rows of levels, regions or pairs are <c>[N, 1, R, C]</c>; a vector is <c>[1, 1, 1, C]</c>; convolution
/// weights are <c>[Cout, KH, KW, Cin]</c>. A <em>row</em> is one position's C channels;
/// <see cref="Rows"/> counts them.</remarks>
public readonly record struct Shape(int N, int H, int W, int C)
{
    /// <summary>A list of rows, <c>[N, 1, R, C]</c>.</summary>
    public static Shape Of(int n, int rows, int channels) => new(n, 1, rows, channels);

    /// <summary>A vector, <c>[1, 1, 1, C]</c>.</summary>
    public static Shape Of(int channels) => new(1, 1, 1, channels);

    /// <summary>Positions: N·H·W.</summary>
    public int Rows => N * H * W;

    /// <summary>Positions of one item: H·W.</summary>
    public int Area => H * W;

    /// <summary>Elements: N·H·W·C.</summary>
    public long Count => (long)N * H * W * C;

    /// <summary>The same positions with another number of channels.</summary>
    public Shape WithC(int channels) => this with { C = channels };

    /// <summary>Refuses tensors of different shapes; <paramref name="op"/> names the operator in the message.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static void Same(string op, Tensor a, Tensor b)
    {
        if (a.Shape != b.Shape) throw new ArgumentException($"{op}: {a} and {b} must have the same shape.");
    }

    /// <summary>Refuses what does not hold of the operands' shapes.</summary>
    /// <exception cref="ArgumentException"><paramref name="holds"/> is false.</exception>
    public static void Require(string op, bool holds, string rule, params ReadOnlySpan<Tensor> operands)
    {
        if (holds) return;
        var text = new List<string>();
        foreach (var t in operands) text.Add(t.ToString());
        throw new ArgumentException($"{op}: {rule}; got {string.Join(", ", text)}.");
    }

    /// <summary>The same with a rule whose text is only made where it is broken.</summary>
    /// <exception cref="ArgumentException"><paramref name="holds"/> is false.</exception>
    public static void Require(string op, bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] Rule rule,
        params ReadOnlySpan<Tensor> operands)
    {
        if (!holds) Require(op, holds, rule.ToString(), operands);
    }

    /// <inheritdoc/>
    public override string ToString() => $"[{N},{H},{W},{C}]";

    /// <summary>The text of a rule, if it is broken.</summary>
    [InterpolatedStringHandler]
    public ref struct Rule
    {
        private DefaultInterpolatedStringHandler _text;

        /// <summary>Begins; the compiler calls it.</summary>
        public Rule(int literalLength, int formattedCount, bool holds, out bool isBroken)
        {
            isBroken = !holds;
            _text = isBroken ? new(literalLength, formattedCount) : default;
        }

        /// <summary>Adds what stands between the holes.</summary>
        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        /// <summary>Fills a hole.</summary>
        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        /// <inheritdoc/>
        public override string ToString() => _text.ToStringAndClear();
    }
}
