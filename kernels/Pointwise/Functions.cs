using System.Numerics;

namespace MlffAd.Kernels;

/// <summary>An activation as bodies call it: one element or a vector of them. Without state, so that it costs nothing as a type argument.</summary>
internal interface IFunction
{
    /// <summary>f(x).</summary>
    float Apply(float x);

    /// <summary>f of each lane.</summary>
    Vector<float> Apply(Vector<float> x);

    /// <summary>f'(x), told from y = f(x).</summary>
    float Slope(float y);

    /// <summary>f' of each lane.</summary>
    Vector<float> Slope(Vector<float> y);
}

internal readonly struct Identity : IFunction
{
    public float Apply(float x) => x;
    public Vector<float> Apply(Vector<float> x) => x;
    public float Slope(float y) => 1;
    public Vector<float> Slope(Vector<float> y) => Vector<float>.One;
}

internal readonly struct ReLU : IFunction
{
    public float Apply(float x) => x > 0 ? x : 0;
    public Vector<float> Apply(Vector<float> x) => Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, Vector<float>.Zero);
    public float Slope(float y) => y > 0 ? 1 : 0;
    public Vector<float> Slope(Vector<float> y) => Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), Vector<float>.One, Vector<float>.Zero);
}

internal readonly struct LeakyReLU : IFunction
{
    public const float NegativeSlope = 0.01f;

    public float Apply(float x) => x > 0 ? x : NegativeSlope * x;
    public Vector<float> Apply(Vector<float> x) => Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, x * NegativeSlope);
    public float Slope(float y) => y > 0 ? 1 : NegativeSlope;
    public Vector<float> Slope(Vector<float> y) => Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), Vector<float>.One, new Vector<float>(NegativeSlope));
}

internal readonly struct Sigmoid : IFunction
{
    public float Apply(float x) => 1 / (1 + MathF.Exp(-x));
    public Vector<float> Apply(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Vector.Exp(-x));
    public float Slope(float y) => y * (1 - y);
    public Vector<float> Slope(Vector<float> y) => y * (Vector<float>.One - y);
}
