namespace MlffAd.Network;

/// <summary>Statistics of texture, after STLNet (spec §4): x, then t = TEM(x) by the levels of the whole map, then p =
/// PTFEM([t, x]) by pairs of levels in regions of several scales.</summary>
public sealed class TextureBranch(Config config)
{
    private readonly TextureConfig _c = config.Texture;

    /// <summary>From [avgpool(f1), f2] to [p, t, x].</summary>
    /// <param name="x">Executor.</param>
    /// <param name="pyramid"><c>[N, M, M, c₁ + c₂]</c>.</param>
    /// <param name="into"><c>[N, M, M, 3·width]</c>; written, and returned.</param>
    public Value Forward(IExecutor x, Value pyramid, Value into)
    {
        int w = _c.Width;
        var start = x.ConvBn(Layer.Conv("texture.start.conv", w), "texture.start.bn", pyramid, Activation.ReLU,
            into: into.Slice(2 * w, w));
        Tem(x, start, into.Slice(w, w));
        Ptfem(x, into.Slice(w, 2 * w), into.Slice(0, w));
        return into;
    }

    /// <summary>Texture enhancement: the levels of the map attend to one another, as in histogram equalisation, and
    /// give their features back to the positions.</summary>
    private void Tem(IExecutor x, Value input, Value into)
    {
        int levels = _c.Levels1d, width = _c.StatWidth;
        var quantization = KernelOptions.Quantization(_c, levels);
        var u = x.ConvBn(Layer.Conv("texture.tem.conv1", _c.Width, 3), "texture.tem.bn1", input, Activation.LeakyReLU);
        var (g, m) = x.CosineToMean(x.Conv(Layer.Conv("texture.tem.conv2", width), u), 1);
        var (rows, range) = x.Count1D(m, quantization);
        var d = Statistics(x, "texture.tem", rows, g, levels);
        Value k = x.Conv(Layer.Rows("texture.tem.k", width), d);
        Value q = x.Conv(Layer.Rows("texture.tem.q", width), d);
        Value v = x.Conv(Layer.Rows("texture.tem.v", width), d);
        var out1 = x.ConvBn(Layer.Rows("texture.tem.out", _c.Width), "texture.tem.bnout", x.Attention(k, q, v),
            Activation.ReLU);
        x.LevelsToPixels(m, quantization, range, out1, into);
    }

    /// <summary>Pyramid of texture features: what co-occurs in each of s×s regions, for every scale s.</summary>
    private void Ptfem(IExecutor x, Value input, Value into)
    {
        int n = input.Shape.N, side = config.MapSide, width = _c.StatWidth, pairs = _c.Levels2d * _c.Levels2d;
        var z = x.Conv(Layer.Conv("texture.ptfem.conv", _c.Width), input);
        var all = x.New(new(n, side, side, _c.Scales.Length * width), "texture.ptfem.scales");
        for (int i = 0; i < _c.Scales.Length; i++)
        {
            int s = _c.Scales[i];
            string name = $"texture.ptfem.s{s}";
            var (g, m) = x.CosineToMean(z, s);
            var rows = x.Count2D(m, s * s, KernelOptions.Quantization(_c, _c.Levels2d));
            var d = x.ConvBn(Layer.Rows($"{name}.f4", width), $"{name}.bn4", Statistics(x, name, rows, g, pairs));
            x.Bilinear(x.RowMean(d, pairs).Reshape(new(n, s, s, width)), side, alignCorners: true,
                into: all.Slice(i * width, width));
        }
        x.ConvBn(Layer.Conv("texture.ptfem.out", _c.Width), "texture.ptfem.bnout", all, Activation.ReLU, into: into);
    }

    /// <summary>The features of rows of levels and counts: two layers each by itself, then one together with the mean g
    /// that the rows belong to.</summary>
    private Value Statistics(IExecutor x, string name, Value rows, Value g, int rowsOfG)
    {
        int width = _c.StatWidth;
        var d = x.New(rows.Shape.WithC(width + g.Shape.C), $"{name}.d");
        x.Conv(Layer.Rows($"{name}.f2", width), x.Conv(Layer.Rows($"{name}.f1", _c.MlpWidth), rows,
            Activation.LeakyReLU), Activation.ReLU, into: d.Slice(0, width));
        x.BroadcastRows(g, into: d.Slice(width, g.Shape.C));
        return x.ConvBn(Layer.Rows($"{name}.f3", width), $"{name}.bn3", d, Activation.ReLU);
    }
}
