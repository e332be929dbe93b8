using System.Numerics;

namespace MlffAd.Demo;

/// <summary>How a part lies under the camera: nobody puts it down twice in the same way.</summary>
internal readonly struct Placement(Rng rng, double shift)
{
    private readonly Matrix3x2 _toPart =
        Matrix3x2.CreateTranslation(-Scene.Side / 2, -Scene.Side / 2)
        * Matrix3x2.CreateRotation((float)rng.Uniform(-0.035, 0.035))
        * Matrix3x2.CreateScale((float)rng.Uniform(0.975, 1.025))
        * Matrix3x2.CreateTranslation(Scene.Side / 2 + (float)rng.Uniform(-shift, shift),
            Scene.Side / 2 + (float)rng.Uniform(-shift, shift));

    /// <summary>The place on the part that is seen at a place of the picture.</summary>
    public Vector2 OnPart(Vector2 seen) => Vector2.Transform(seen, _toPart);
}
