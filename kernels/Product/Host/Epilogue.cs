using System.Numerics;

namespace MlffAd.Kernels;

/// <summary>The product's epilogue. Bias, residual, accumulation and ReLU are applied in registers, other activations
/// while the tile is in the first-level cache. An element's result does not depend on its position in a tile or
/// block.</summary>
internal readonly unsafe struct Epilogue
{
    /// <summary>Whether to accumulate into the result.</summary>
    public bool Add { get; init; }

    /// <summary>A summand for each column, or null.</summary>
    public float* Bias { get; init; }

    public Activation Activation { get; init; }

    /// <summary>Applies the activation to some columns of some rows; the tile itself has done
    /// <see cref="Activation.ReLU"/>.</summary>
    public void Activate(float** y, int rows, int column, int columns)
    {
        if (Activation == Activation.LeakyReLU) Activate<LeakyReLU>(y, rows, column, columns);
        else if (Activation == Activation.Sigmoid) Activate<Sigmoid>(y, rows, column, columns);
    }

    private static void Activate<TFunction>(float** y, int rows, int column, int columns)
        where TFunction : unmanaged, IFunction
    {
        for (int i = 0; i < rows; i++)
        {
            float* p = y[i] + column;
            int j = 0;
            for (; j <= columns - Vector<float>.Count; j += Vector<float>.Count)
                default(TFunction).Apply(Vector.Load(p + j)).Store(p + j);
            for (; j < columns; j++) p[j] = default(TFunction).Apply(p[j]);
        }
    }
}
