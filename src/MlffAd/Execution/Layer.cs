namespace MlffAd.Execution;

/// <summary>How a weight lies in files (spec §12); in memory it is always <c>[Cout, K, K, Cin]</c>.</summary>
public enum WeightLayout
{
    /// <summary><c>[Cout, Cin, K, K]</c>.</summary>
    Convolution,

    /// <summary>A row product, <c>[out, in]</c>.</summary>
    Rows,

    /// <summary>The score's vector, <c>[in]</c>, with a bias <c>[1]</c>.</summary>
    Score,
}

/// <summary>A weight's initialisation (spec §8).</summary>
public enum InitialValues
{
    /// <summary>He normal by fan-out: N(0, 2/(outputs·K²)).</summary>
    He,

    /// <summary>N(0, 1/inputs).</summary>
    FanIn,

    /// <summary>U(±1/√inputs).</summary>
    Uniform,

    /// <summary>A memory's projection, which never trains: N(0, 1/outputs), rounded to half precision and stored so.
    /// </summary>
    Projection,
}

/// <summary>The part of the network a layer belongs to.</summary>
public enum NetworkPart
{
    /// <summary>Trained from scratch: texture branch, self-calibrated module, fusion, score.</summary>
    Head,

    /// <summary>The backbone up to stage 1, which <c>train.freeze = stem</c> keeps.</summary>
    Stem,

    /// <summary>The backbone's stages 2 and 3.</summary>
    Backbone,
}

/// <summary>A convolution or row product: its weight's name (without <c>.weight</c>), output
/// channels, geometry.</summary>
public readonly record struct Layer(string Name, int Outputs, ConvGeometry Geometry, WeightLayout Layout)
{
    /// <summary>Its part of the network.</summary>
    public NetworkPart Part { get; init; }

    /// <summary>Its weight's initialisation.</summary>
    public InitialValues Initial { get; init; }

    /// <summary>A convolution.</summary>
    public static Layer Conv(string name, int outputs, int kernel = 1, int stride = 1) =>
        new(name, outputs, new(kernel, stride, kernel / 2), WeightLayout.Convolution);

    /// <summary>A product of rows, <c>x·Wᵀ</c>.</summary>
    public static Layer Rows(string name, int outputs) => new(name, outputs, new(1), WeightLayout.Rows);

    /// <summary>The output's shape.</summary>
    public Shape Output(Shape x) => new(x.N, Geometry.OutputSize(x.H), Geometry.OutputSize(x.W), Outputs);

    /// <summary>The weight's shape in memory.</summary>
    public Shape Weight(int inputs) => new(Outputs, Geometry.Kernel, Geometry.Kernel, inputs);
}
