using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlffAd.Kernels;

/// <summary>What happens to a tile of sums on its way into the result: added to what is there while the sum is split,
/// and at its last block also bias, residual and activation, while the tile is still in the first-level cache.</summary>
internal readonly unsafe struct Epilogue
{
    /// <summary>The result keeps its old value as a summand.</summary>
    public bool Add { get; init; }

    /// <summary>A summand for each column, or null.</summary>
    public float* Bias { get; init; }

    public Activation Activation { get; init; }

    /// <summary>Writes the tile's rows × columns sums (row i at <c>tile + i·width</c>) to columns <paramref name="column"/> … of the rows in <paramref name="to"/>.</summary>
    public void Store(float* tile, int width, int rows, int columns, int column, float** to, float** residual, bool first, bool last)
    {
        bool accumulate = Add || !first;
        if (!last) Store<Identity>(tile, width, rows, columns, column, to, null, null, accumulate);
        else
            switch (Activation)
            {
                case Activation.None: Store<Identity>(tile, width, rows, columns, column, to, residual, Bias, accumulate); break;
                case Activation.ReLU: Store<ReLU>(tile, width, rows, columns, column, to, residual, Bias, accumulate); break;
                case Activation.LeakyReLU: Store<LeakyReLU>(tile, width, rows, columns, column, to, residual, Bias, accumulate); break;
                default: Store<Sigmoid>(tile, width, rows, columns, column, to, residual, Bias, accumulate); break;
            }
    }

    private static void Store<TFunction>(float* tile, int width, int rows, int columns, int column, float** to, float** residual, float* bias, bool accumulate)
        where TFunction : unmanaged, IFunction
    {
        for (int i = 0; i < rows; i++, tile += width)
        {
            float* y = to[i] + column, b = bias + column, r = residual == null ? null : residual[i] + column;
            int j = 0;
            for (; j <= columns - Vector<float>.Count; j += Vector<float>.Count)
            {
                var v = Vector.Load(tile + j);
                if (accumulate) v += Vector.Load(y + j);
                if (bias != null) v += Vector.Load(b + j);
                if (r != null) v += Vector.Load(r + j);
                default(TFunction).Apply(v).Store(y + j);
            }
            for (; j < columns; j++)
            {
                float v = tile[j];
                if (accumulate) v += y[j];
                if (bias != null) v += b[j];
                if (r != null) v += r[j];
                y[j] = default(TFunction).Apply(v);
            }
        }
    }
}
