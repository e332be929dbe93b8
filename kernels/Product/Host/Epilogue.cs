using System.Numerics;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>What a product does besides multiplying: its sums begin with the bias and the residual and end with the
/// result's old value, if it adds, and ReLU, in registers; other activations are applied while they are still in the
/// first-level cache. Every element is treated alike, wherever it lies in a tile or a block.</summary>
internal readonly unsafe struct Epilogue
{
    /// <summary>The result keeps its old value as a summand.</summary>
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
