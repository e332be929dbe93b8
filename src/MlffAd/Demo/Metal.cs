using System.Numerics;

namespace MlffAd.Demo;

/// <summary>A plate of steel, brushed from side to side, with two countersunk holes.</summary>
internal sealed class Metal : Material
{
    private const float HoleRadius = 13, Chamfer = 5;

    private static readonly Vector2[] Holes = [new(66, 62), new(190, 194)];

    public override string Name => "metal";

    public override IReadOnlyList<string> Defects => ["dent", "scratch", "stain", "worn"];

    public override Scene Draw(int size, Rng rng, string? defect)
    {
        var scene = new Scene(size) { Gloss = 0.6f };
        var plate = new Plate(rng);
        var worn = defect == "worn" ? new Worn(rng) : null;
        scene.Visit(new(Scene.Side / 2), Scene.Side / 2, (sample, at) => plate.Draw(scene, sample, at, worn));
        if (defect == "dent") Blemishes.Dent(scene, rng);
        if (defect == "scratch") Blemishes.Scratch(scene, rng);
        if (defect == "stain") Blemishes.Stain(scene, rng, new(0.62f, 0.46f, 0.3f));
        return scene;
    }

    /// <summary>A patch where the brushing has been rubbed away: duller, brighter, with fine marks in
    /// all directions.</summary>
    private sealed class Worn(Rng rng)
    {
        private readonly Noise _noise = new(rng.Bits());
        private readonly Vector2 _centre = Blemishes.Inside(rng, 45);
        private readonly float _radius = (float)rng.Uniform(19, 32), _stretch = (float)rng.Uniform(0.75, 1.33);

        public float Share(Vector2 at)
        {
            var d = at - _centre;
            float r = new Vector2(d.X * _stretch, d.Y / _stretch).Length() / _radius;
            return r > 2 ? 0 : Noise.Step(1.1f, 0.75f, r * (1 + 0.4f * _noise.Cloud(at.X / 22, at.Y / 22)));
        }

        public float Mark(Vector2 at) => _noise[at.X / 1.3f, at.Y / 1.3f];
    }

    private sealed class Plate(Rng rng)
    {
        private readonly Noise _brush = new(rng.Bits()), _cloud = new(rng.Bits());
        private readonly Placement _placement = new(rng, 6);
        private readonly Vector3 _alloy = new Vector3(0.40f, 0.405f, 0.41f) * (float)rng.Uniform(0.93, 1.07)
            + new Vector3((float)rng.Uniform(-0.012, 0.012), 0, 0);

        public void Draw(Scene scene, int sample, Vector2 at, Worn? worn)
        {
            var p = _placement.OnPart(at);
            // Bristles leave long, thin, nearly straight lines of several widths.
            float y = p.Y + 1.5f * _cloud[p.X / 90, p.Y / 60];
            float lines = 0.5f * _brush[p.X / 70, y / 0.9f] + 0.4f * _brush[p.X / 150 + 9, y / 2.3f]
                + 0.35f * _brush[p.X / 30 + 5, y / 0.6f] + 0.3f * _brush[p.X / 240, y / 8];
            float rubbed = worn?.Share(at) ?? 0;
            lines *= 1 - 0.85f * rubbed;
            float light = 1 + 0.2f * lines + 0.03f * _cloud.Cloud(p.X / 60, p.Y / 60);
            if (rubbed > 0) light *= 1 + rubbed * (0.16f + 0.13f * worn!.Mark(at));
            float height = 0.05f * lines;
            foreach (var hole in Holes)
            {
                float r = Vector2.Distance(p, hole);
                if (r < HoleRadius)
                    light = 0.05f
                        + 0.05f * Noise.Step(0.75f * HoleRadius, HoleRadius, r) * (1 + (p.Y - hole.Y) / HoleRadius);
                else if (r < HoleRadius + Chamfer) height -= 0.35f * (HoleRadius + Chamfer - r);
            }
            (_alloy * light).CopyTo(scene.Colour, 3 * sample);
            scene.Height[sample] = height;
            scene.Defect[sample] = rubbed > 0.4f;
        }
    }
}
