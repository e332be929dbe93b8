using System.Numerics;

namespace MlffAd.Demo;

/// <summary>Defects that befall a finished part, whatever it is made of: they change its relief
/// or its colour.</summary>
internal static class Blemishes
{
    /// <summary>A liquid that has dried: a blot with a ragged, darker rim.</summary>
    public static void Stain(Scene scene, Rng rng, Vector3 tint)
    {
        var noise = new Noise(rng.Bits());
        var centre = Inside(rng, 40);
        float radius = (float)rng.Uniform(15, 27);
        float stretch = (float)rng.Uniform(0.7, 1.4);
        float strength = (float)rng.Uniform(0.55, 0.95);
        scene.Visit(centre, 2 * radius, (sample, at) =>
        {
            var d = at - centre;
            float r = new Vector2(d.X * stretch,
                d.Y / stretch).Length() / radius * (1 + 0.45f * noise.Cloud(at.X / 18, at.Y / 18));
            float inside = Noise.Step(1.08f, 0.9f, r), rim = inside * Noise.Step(0.6f, 0.95f, r);
            float soak = strength * inside * (0.8f + 0.25f * noise.Cloud(at.X / 7 + 50, at.Y / 7));
            scene.Tint(sample, Vector3.Lerp(Vector3.One, tint, soak) * (1 - 0.22f * strength * rim));
            scene.Defect[sample] |= inside > 0.3f;
        });
    }

    /// <summary>A blow: a shallow oval hollow with a slightly raised edge.</summary>
    public static void Dent(Scene scene, Rng rng)
    {
        var centre = Inside(rng, 36);
        float radius = (float)rng.Uniform(9, 17);
        float stretch = (float)rng.Uniform(0.75, 1.33);
        float depth = radius * (float)rng.Uniform(0.13, 0.2);
        float sin = MathF.Sin((float)rng.Uniform(0, Math.PI)), cos = MathF.Sqrt(1 - sin * sin);
        scene.Visit(centre, 3 * radius, (sample, at) =>
        {
            var d = at - centre;
            float r = new Vector2((d.X * cos + d.Y * sin) * stretch,
                (d.Y * cos - d.X * sin) / stretch).Length() / radius;
            scene.Height[sample] -= depth * (1 - 0.35f * r * r) * MathF.Exp(-r * r);
            scene.Defect[sample] |= r < 1.5f;
        });
    }

    /// <summary>A fold pressed into cloth: a long soft ridge that fades at its ends.</summary>
    public static void Crease(Scene scene, Rng rng)
    {
        var noise = new Noise(rng.Bits());
        var centre = Inside(rng, 60);
        float length = (float)rng.Uniform(35, 60);
        float width = (float)rng.Uniform(4.5, 7);
        float height = width * (float)rng.Uniform(1.3, 1.9);
        var along = Direction(rng);
        scene.Visit(centre, length, (sample, at) =>
        {
            var d = at - centre;
            float a = Vector2.Dot(d, along) / length;
            float b = (d.X * along.Y - d.Y * along.X) / width + 0.8f * noise[2 * a, 0];
            float ridge = Noise.Step(1, 0.6f, MathF.Abs(a)) * MathF.Exp(-0.5f * b * b);
            scene.Height[sample] += height * ridge;
            scene.Defect[sample] |= ridge > 0.2f;
        });
    }

    /// <summary>A scratch: a bent groove that thins out, with torn-up metal along its sides.</summary>
    public static void Scratch(Scene scene, Rng rng)
    {
        var noise = new Noise(rng.Bits());
        var centre = Inside(rng, 60);
        float length = (float)rng.Uniform(28, 62);
        float bend = (float)rng.Uniform(-0.25, 0.25);
        float width = (float)rng.Uniform(0.9, 1.6);
        var along = Direction(rng);
        scene.Visit(centre, length, (sample, at) =>
        {
            var d = at - centre;
            float a = Vector2.Dot(d, along) / length;
            float b = d.X * along.Y - d.Y * along.X - bend * length * (a * a - 0.4f) - 1.2f * noise[4 * a, 0];
            float w = width * MathF.Sqrt(Math.Max(0, 1 - a * a)) + 0.01f, side = MathF.Abs(b) / w;
            if (MathF.Abs(a) >= 1 || side > 4) return;
            float groove = MathF.Max(0, 1 - side * side);
            float burr = MathF.Exp(-2 * (side - 1.6f) * (side - 1.6f)) * (0.7f + 0.6f * noise[at.X / 3, at.Y / 3]);
            scene.Height[sample] += w * (0.5f * burr - 0.8f * groove);
            scene.Tint(sample, new Vector3(1 - 0.45f * groove + 0.3f * burr));
            scene.Defect[sample] |= side < 2.3f && w > 0.4f;
        });
    }

    /// <summary>A place that is some way from the edges.</summary>
    public static Vector2 Inside(Rng rng, double margin) =>
        new((float)rng.Uniform(margin, Scene.Side - margin), (float)rng.Uniform(margin, Scene.Side - margin));

    private static Vector2 Direction(Rng rng)
    {
        double angle = rng.Uniform(0, Math.PI);
        return new((float)Math.Cos(angle), (float)Math.Sin(angle));
    }
}
