using System.Numerics;

namespace MlffAd.Kernels.Runtime;

/// <summary>An activation as bodies call it: one element or a vector of them. Without state, so that it costs nothing
/// as a type argument.</summary>
internal interface IFunction
{
    /// <summary>f(x).</summary>
    float Apply(float x);

    /// <summary>f of each lane.</summary>
    Vector<float> Apply(Vector<float> x);

    /// <summary>dy·f'(x), told from y = f(x).</summary>
    /// <remarks>Not f' alone: ILGPU 1.5.3 compiles <c>condition ? 1f : 0f</c> for OpenCL to the
    /// <em>bits</em> of 1 and 0.</remarks>
    float Gradient(float y, float dy);

    /// <summary>dy·f' of each lane.</summary>
    Vector<float> Gradient(Vector<float> y, Vector<float> dy);
}

internal readonly struct Identity : IFunction
{
    public float Apply(float x) => x;
    public Vector<float> Apply(Vector<float> x) => x;
    public float Gradient(float y, float dy) => dy;
    public Vector<float> Gradient(Vector<float> y, Vector<float> dy) => dy;
}

internal readonly struct ReLU : IFunction
{
    public float Apply(float x) => x > 0 ? x : 0;
    public Vector<float> Apply(Vector<float> x) =>
        Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, Vector<float>.Zero);
    public float Gradient(float y, float dy) => y > 0 ? dy : 0;
    public Vector<float> Gradient(Vector<float> y, Vector<float> dy) =>
        Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), dy, Vector<float>.Zero);
}

internal readonly struct LeakyReLU : IFunction
{
    public const float NegativeSlope = 0.01f;

    public float Apply(float x) => x > 0 ? x : NegativeSlope * x;
    public Vector<float> Apply(Vector<float> x) =>
        Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<float>.Zero), x, x * NegativeSlope);
    public float Gradient(float y, float dy) => y > 0 ? dy : NegativeSlope * dy;
    public Vector<float> Gradient(Vector<float> y, Vector<float> dy) =>
        Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), dy, NegativeSlope * dy);
}

internal readonly struct Sigmoid : IFunction
{
    public float Apply(float x) => 1 / (1 + MathF.Exp(-x));
    public Vector<float> Apply(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Vector.Exp(-x));
    public float Gradient(float y, float dy) => dy * (y * (1 - y));
    public Vector<float> Gradient(Vector<float> y, Vector<float> dy) => dy * (y * (Vector<float>.One - y));
}
