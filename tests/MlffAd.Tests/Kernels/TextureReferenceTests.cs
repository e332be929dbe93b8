using System.Text.Json;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;
using MlffAd.Verification;
using Xunit;

namespace MlffAd.Tests.Kernels;

/// <summary>The statistical operators against the reference file <c>texture.safetensors</c>, computed in float64 by automatic differentiation elsewhere.</summary>
public sealed class TextureReferenceTests
{
    public static TheoryData<string> Devices => TestDevices.All;

    private static float[] Floats(ReferenceCase c, string name) => Golden.File("texture").Floats($"{c.Name}/{name}");

    private static int[] Extents(ReferenceCase c, string name) => Golden.File("texture").Shape($"{c.Name}/{name}");

    /// <summary>The cases of an operator; on the simulator, which is slow, one of them.</summary>
    private static IEnumerable<ReferenceCase> Cases(string id, string op) =>
        Golden.Cases("texture", op).Where(c => id != "debug" || c.Name is "cosine_s4_8x8x6" or "qco1d_centre_half" or "qco2d_centre_half_1x4x2x4");

    private static Quantization Q(ReferenceCase c) => new(c.Attrs.GetProperty("levels").GetInt32(),
        Enum.Parse<LevelPlacement>(c.Attrs.GetProperty("placement").GetString()!, ignoreCase: true),
        Enum.Parse<LevelBand>(c.Attrs.GetProperty("band").GetString()!, ignoreCase: true));

    private static void Output(ReferenceCase c, string name, float[] actual) => Compare(c, name, actual, c.OutputNames, c.OutputTolerance);

    private static void Grad(ReferenceCase c, string name, float[] actual) => Compare(c, name, actual, c.GradNames, c.GradTolerance);

    private static void Compare(ReferenceCase c, string name, float[] actual, IEnumerable<string> group, double tolerance)
    {
        double error = Golden.Error(actual, Floats(c, name), Golden.File("texture").GroupMax(group));
        Assert.True(error <= tolerance, $"{c.Name}/{name}: error {error:G3}, tolerance {tolerance:G3}");
    }

    /// <summary>Every <paramref name="stride"/>th element from <paramref name="start"/>.</summary>
    private static float[] Column(float[] rows, int start, int stride) => [.. rows.Where((_, i) => i % stride == start)];

    [Theory, MemberData(nameof(Devices))]
    public void CosineToMeanEqualsTheReference(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var c in Cases(id, "cosine_to_mean"))
        {
            int[] e = Extents(c, "x");
            int s = c.Attrs.GetProperty("scale").GetInt32();
            using var x = Tensor.From(lease.Device, new Shape(e[0], e[1], e[2], e[3]), Floats(c, "x"), "x");
            using var g = Tensor.Rent(lease.Device, Shape.Of(e[0], s * s, e[3]), "g");
            using var m = Tensor.Rent(lease.Device, Shape.Of(e[0], e[1] * e[2], 1), "m");
            using var dg = Tensor.From(lease.Device, g.Shape, Floats(c, "d_g"), "dg");
            using var dm = Tensor.From(lease.Device, m.Shape, Floats(c, "d_m"), "dm");
            using var dx = Tensor.Rent(lease.Device, x.Shape, "dx");
            CosineToMean.Forward(x, g, m, s);
            CosineToMean.Gradient(x, g, m, dg, dm, dx, s);
            Output(c, "g", g.ToArray());
            Output(c, "m", m.ToArray());
            Grad(c, "d_x", dx.ToArray());
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void QuantizeCount1DAndLevelsToPixelsEqualTheReference(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var c in Cases(id, "qco1d"))
        {
            int[] e = Extents(c, "D");
            int cells = Extents(c, "m")[1];
            var q = Q(c);
            using var m = Tensor.From(lease.Device, Shape.Of(e[0], cells, 1), Floats(c, "m"), "m");
            using var d = Tensor.From(lease.Device, Shape.Of(e[0], e[1], e[2]), Floats(c, "D"), "d");
            using var range = Tensor.Rent(lease.Device, Shape.Of(e[0], 1, 4), "range");
            using var rows = Tensor.Rent(lease.Device, Shape.Of(e[0], e[1], 2), "rows");
            using var r = Tensor.Rent(lease.Device, Shape.Of(e[0], cells, e[2]), "r");
            QuantizeCount1D.Forward(m, q, range, rows);
            LevelsToPixels.Forward(m, q, range, d, r);
            Output(c, "L", Column(rows.ToArray(), 0, 2));
            Output(c, "c", Column(rows.ToArray(), 1, 2));
            Output(c, "R", r.ToArray());
            if (c.Upstream.Length == 0) continue;

            float[] upstream = [.. Floats(c, "d_L").Zip(Floats(c, "d_c")).SelectMany(row => new[] { row.First, row.Second })];
            using var dRows = Tensor.From(lease.Device, rows.Shape, upstream, "dRows");
            using var dr = Tensor.From(lease.Device, r.Shape, Floats(c, "d_R"), "dr");
            using var dm = Tensor.Rent(lease.Device, m.Shape, "dm");
            using var dd = Tensor.Rent(lease.Device, d.Shape, "dd");
            QuantizeCount1D.Gradient(m, q, range, rows, dRows, dm);
            LevelsToPixels.Gradient(m, q, range, d, dr, dd, dm, addM: true);
            Grad(c, "d_m", dm.ToArray());
            Grad(c, "d_D", dd.ToArray());
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void QuantizeCount2DEqualsTheReference(string id)
    {
        using var lease = TestDevices.Borrow(id);
        foreach (var c in Cases(id, "qco2d"))
        {
            int[] e = Extents(c, "m");
            var q = Q(c);
            int regions = e[1], pairs = q.Levels * q.Levels;
            using var m = Tensor.From(lease.Device, Shape.Of(e[0], regions * e[2] * e[3], 1), Floats(c, "m"), "m");
            using var range = Tensor.Rent(lease.Device, Shape.Of(e[0], regions, 4), "range");
            using var rows = Tensor.Rent(lease.Device, Shape.Of(e[0], regions * pairs, 3), "rows");
            QuantizeCount2D.Forward(m, regions, q, range, rows);
            float[] got = rows.ToArray(), levels = Floats(c, "L");
            Output(c, "P", Column(got, 2, 3));
            // L_a and L_b of every row, as the file's L says.
            Output(c, "L", [.. Column(got, 0, 3).Where((_, i) => i % q.Levels == 0)]);
            Output(c, "L", [.. Column(got, 1, 3).Where((_, i) => i % pairs < q.Levels)]);

            // Each L_n stands in 2·levels rows; its upstream gradient is put into one of them.
            float[] up = Floats(c, "d_P"), upL = Floats(c, "d_L");
            float[] upstream = [.. up.SelectMany((p, i) => new[] { i % q.Levels == 0 ? upL[i / q.Levels] : 0, 0, p })];
            using var dRows = Tensor.From(lease.Device, rows.Shape, upstream, "dRows");
            using var dm = Tensor.Rent(lease.Device, m.Shape, "dm");
            QuantizeCount2D.Gradient(m, regions, q, range, rows, dRows, dm);
            Grad(c, "d_m", dm.ToArray());
        }
    }
}
