namespace MlffAd.Execution;

/// <summary>The words of the network's description. An implementation computes and records them
/// (<see cref="Recorder"/>), plans them (<see cref="Planner"/>), or lists their parameters
/// (<see cref="ParameterList"/>).</summary>
/// <remarks>Concatenation is a place, not an operation: <see cref="New"/> makes the whole, and producers write into
/// slices of it, which they take as <c>into</c>. Without <c>into</c> a result gets a place of its own.</remarks>
public interface IExecutor
{
    /// <summary>A value whose slices other words write.</summary>
    Value New(Shape shape, string name);

    /// <summary><c>f(x ∗ w)</c>, with a bias where the layer has one.</summary>
    Value Conv(Layer layer, Value x, Activation f = Activation.None, Value? into = null);

    /// <summary><c>f(BN(x ∗ w) + residual)</c>.</summary>
    /// <param name="layer">The convolution.</param>
    /// <param name="bn">The batch normalisation's name.</param>
    /// <param name="x">Input.</param>
    /// <param name="f">Applied last.</param>
    /// <param name="residual">A summand, or null.</param>
    /// <param name="into">Where to.</param>
    Value ConvBn(Layer layer, string bn, Value x, Activation f = Activation.None, Value? residual = null,
        Value? into = null);

    /// <summary>Maximum over windows, <see cref="Pooling.Max"/>.</summary>
    Value MaxPool(Value x, int kernel, int stride, int pad);

    /// <summary>Mean of kernel×kernel squares.</summary>
    Value AveragePool(Value x, int kernel, Value? into = null);

    /// <summary>Each position factor×factor times.</summary>
    Value Nearest(Value x, int factor);

    /// <summary>Bilinear enlargement to side×side.</summary>
    Value Bilinear(Value x, int side, bool alignCorners, Value? into = null);

    /// <summary><c>f(a + b)</c>.</summary>
    Value Add(Value a, Value b, Activation f = Activation.None);

    /// <summary>Products element by element.</summary>
    Value Multiply(Value a, Value b);

    /// <summary>Region means g and similarities m to them, <see cref="Kernels.CosineToMean"/>.</summary>
    (Value G, Value M) CosineToMean(Value x, int regionsPerSide);

    /// <summary>Levels and counts over the whole map, and the range they lie in,
    /// <see cref="QuantizeCount1D"/>.</summary>
    (Value Rows, Value Range) Count1D(Value m, Quantization q);

    /// <summary>Levels and co-occurrences in each region, <see cref="QuantizeCount2D"/>.</summary>
    Value Count2D(Value m, int regions, Quantization q);

    /// <summary>Each position's level features, <see cref="Kernels.LevelsToPixels"/>.</summary>
    Value LevelsToPixels(Value m, Quantization q, Value range, Value d, Value into);

    /// <summary>Each row k times in a row, written into a slice.</summary>
    Value BroadcastRows(Value g, Value into);

    /// <summary>Mean of each k consecutive rows.</summary>
    Value RowMean(Value x, int k);

    /// <summary>Attention between rows, <see cref="Kernels.Attention"/>.</summary>
    Value Attention(Value k, Value q, Value v);

    /// <summary>The distance A(F) of each cell from 0, <see cref="Losses.Distance"/>.</summary>
    Value Distance(Value F);

    /// <summary>Each position's mean with its neighbours, <see cref="Kernels.LocalMean"/>.</summary>
    Value LocalMean(Value x, LocalWindow window, Value? into = null);

    /// <summary>Each cell's row and column times a stored step, <see cref="Cells.Place"/>, written into a
    /// slice.</summary>
    Value Place(string step, Value into);

    /// <summary>Distance to the nearest of the stored vectors, and which it is,
    /// <see cref="Kernels.NearestVector"/>.</summary>
    /// <param name="x">Cells' vectors.</param>
    /// <param name="count">Stored vectors.</param>
    /// <param name="vectors">Their name.</param>
    /// <param name="groups">The name of their groups, which matter where cells have groups as well.</param>
    (Value Distance, Value Index) NearestVector(Value x, int count, string vectors, string groups);

    /// <summary>Distances in deviations from the usual, <see cref="Cells.Standardise"/>.</summary>
    /// <param name="d">Distances.</param>
    /// <param name="index">Which of the stored scales; null for those of the cell's place.</param>
    /// <param name="count">Stored scales.</param>
    /// <param name="scales">Their name.</param>
    Value Standardise(Value d, Value? index, int count, string scales);
}
