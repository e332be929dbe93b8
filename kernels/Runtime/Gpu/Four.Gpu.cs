using System.Numerics;

namespace MlffAd.Kernels.Runtime;

/// <summary>Four numbers in registers, and 16 bytes in memory: an array indexed in a loop would lie
/// in local memory.</summary>
internal struct Four(float x, float y, float z, float w) : IAdditionOperators<Four, Four, Four>,
    ISubtractionOperators<Four, Four, Four>, IMultiplyOperators<Four, Four, Four>, IDivisionOperators<Four, Four, Four>
{
    public float X = x, Y = y, Z = z, W = w;

    public static Four operator +(Four a, Four b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    public static Four operator -(Four a, Four b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    public static Four operator *(Four a, Four b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    public static Four operator /(Four a, Four b) => new(a.X / b.X, a.Y / b.Y, a.Z / b.Z, a.W / b.W);

    public void MultiplyAdd(float a, Four b)
    {
        X += a * b.X;
        Y += a * b.Y;
        Z += a * b.Z;
        W += a * b.W;
    }
}

/// <summary>Two numbers, and 8 bytes in memory.</summary>
internal struct Two(float x, float y)
{
    public float X = x, Y = y;

    public static Two operator +(Two a, Two b) => new(a.X + b.X, a.Y + b.Y);
}
