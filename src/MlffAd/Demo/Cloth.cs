using System.Numerics;

namespace MlffAd.Demo;

/// <summary>Twill: dark warp threads (running down) and light weft threads (running across), each two
/// over, two under.</summary>
internal sealed class Cloth : Material
{
    /// <summary>Distance of neighbouring threads, in units.</summary>
    private const float Pitch = 11;

    public override string Name => "cloth";

    public override IReadOnlyList<string> Defects => ["crease", "missing_weave", "pulled_thread", "stain"];

    public override Scene Draw(int size, Rng rng, string? defect)
    {
        var scene = new Scene(size) { Gloss = 0.04f };
        var weave = new Weave(rng);
        var flaw =
            defect switch { "missing_weave" => Flaw.Float(rng), "pulled_thread" => Flaw.Pulled(rng), _ => default };
        scene.Visit(new(Scene.Side / 2), Scene.Side / 2, (sample, at) => weave.Draw(scene, sample, at, flaw));
        if (defect == "stain") Blemishes.Stain(scene, rng, new(0.5f, 0.4f, 0.27f));
        if (defect == "crease") Blemishes.Crease(scene, rng);
        return scene;
    }

    /// <summary>An error in the weave: crossings where the weft stays under, or one thread that is not there. In thread
    /// numbers: columns × rows.</summary>
    private readonly record struct Flaw(int Column, int Row, int Columns, int Rows, bool Gone)
    {
        private const int Threads = (int)(Scene.Side / Pitch);

        public static Flaw Float(Rng rng)
        {
            int columns = 3 + rng.Below(3), rows = 3 + rng.Below(4);
            return new(4 + rng.Below(Threads - 8 - columns), 4 + rng.Below(Threads - 8 - rows), columns, rows, false);
        }

        /// <summary>Half of them are warp threads, half weft threads.</summary>
        public static Flaw Pulled(Rng rng)
        {
            int length = 7 + rng.Below(8);
            int across = 4 + rng.Below(Threads - 8);
            int along = 2 + rng.Below(Threads - 4 - length);
            return rng.Bernoulli(0.5) ? new(across, along, 1, length, true) : new(along, across, length, 1, true);
        }

        public bool Holds(int column, int row) =>
            column >= Column && column < Column + Columns && row >= Row && row < Row + Rows;

        /// <summary>Whether the thread is missing whose length is counted by the given number.</summary>
        public bool WarpGone => Gone && Columns == 1;

        public bool WeftGone => Gone && Rows == 1;
    }

    private sealed class Weave(Rng rng)
    {
        private static readonly Vector3 Warp = new(0.075f, 0.11f, 0.19f), Weft = new(0.44f, 0.41f, 0.35f);

        private readonly Noise _wander = new(rng.Bits()), _threads = new(rng.Bits()), _fibre = new(rng.Bits());
        private readonly Placement _placement = new(rng, 2 * Pitch);
        private readonly Vector3 _dye = new(Vary(rng, 0.05), Vary(rng, 0.04), Vary(rng, 0.05));

        public void Draw(Scene scene, int sample, Vector2 at, Flaw flaw)
        {
            var p = _placement.OnPart(at) / Pitch;
            // Threads are not straight: long waves that neighbours share, short ones of their own.
            float u = p.X + 0.22f * _wander[p.X / 9, p.Y / 7] + 0.05f * _wander[p.X + 90, p.Y / 2.5f];
            float v = p.Y + 0.22f * _wander[p.X / 7 + 40, p.Y / 9] + 0.05f * _wander[p.X / 2.5f, p.Y + 70];
            int i = (int)MathF.Floor(u), j = (int)MathF.Floor(v);
            float a = u - i - 0.5f, b = v - j - 0.5f;
            bool flawed = flaw.Holds(i, j);

            // A thread is round (from −½ to ½ across) and rises and sinks along its length
            // between the crossings' heights.
            float warp = flawed && flaw.WarpGone ? float.NegativeInfinity
                : Round(a, i, 0) + (flawed && flaw.WeftGone
                    ? 0
                    : Bend(Up(i, j, flaw), Up(i, j + Math.Sign(b), flaw), b));
            float weft = flawed && flaw.WeftGone ? float.NegativeInfinity
                : Round(b, j, 1) - (flawed && flaw.WarpGone
                    ? 0
                    : Bend(Up(i, j, flaw), Up(i + Math.Sign(a), j, flaw), a));
            float height = MathF.Max(MathF.Max(warp, weft), -0.9f);
            bool isWarp = warp >= weft;
            var (number, across, along) = isWarp ? (2 * i, a, v) : (2 * j + 1, b, u);

            // The twist of the yarn shows as slanting fibres; deep places get less light.
            float fibre = _fibre[7 * across + 5 * along + 13 * number, 1.5f * along + 3 * number]
                + 0.6f * _fibre[19 * across + 3 * along, 6 * along + number];
            float light =
                (1 + 0.09f * _threads.At(number) + 0.10f * _threads[along / 3, 5 * number]) * (1 + 0.2f * fibre);
            light *= height <= -0.9f ? 0.25f : 0.2f + 0.8f * Noise.Step(-0.7f, 1.25f, height);
            (isWarp ? Warp : Weft).CopyTo(scene.Colour, 3 * sample);
            scene.Tint(sample, light * _dye);
            scene.Height[sample] = 0.2f * Pitch * (height + 0.05f * fibre);
            scene.Defect[sample] = flawed;
        }

        /// <summary>+½ where the warp lies on top at a crossing, −½ where the weft does.</summary>
        private static float Up(int i, int j, Flaw flaw) =>
            (((i + j) & 3) < 2) || (!flaw.Gone && flaw.Holds(i, j)) ? 0.5f : -0.5f;

        /// <summary>Half way to the next crossing, half way to its height.</summary>
        private static float Bend(float here, float next, float along) => here + (next - here) * 2 * along * along;

        private float Round(float across, int thread, int kind)
        {
            float halfWidth = 0.47f + 0.03f * _threads.At(thread, 7 + kind), x = across / halfWidth;
            return x * x < 1 ? 0.8f * MathF.Sqrt(1 - x * x) : -1;
        }

        private static float Vary(Rng rng, double by) => (float)rng.Uniform(1 - by, 1 + by);
    }
}
