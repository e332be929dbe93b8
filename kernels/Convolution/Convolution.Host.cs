namespace MlffAd.Kernels;

public static unsafe partial class Convolution
{
    /// <summary>Below so many input channels, a row of taps is one segment, read from a padded copy of the input: runs
    /// of three floats would stall the tile.</summary>
    private const int FewChannels = 16;

    /// <summary>The algorithm of a layer's pass.</summary>
    private static HostAlgorithm Choose(Pass pass, ConvGeometry g, Shape x, int outputs) =>
        Winograd.Takes(g, x.C, outputs)
            ? AlgorithmTable.Of(pass, Math.Min(x.C, outputs), x.Area)
            : HostAlgorithm.Implicit;

    internal static Panels PackHost(Device device, ReadOnlySpan<float> weights, Shape shape, HostAlgorithm algorithm)
    {
        int terms = shape.Area * shape.C;
        fixed (float* w = weights)
            return algorithm switch
            {
                HostAlgorithm.Winograd2 => Winograd.Filters<Winograd2>(device, w, shape),
                HostAlgorithm.Winograd4 => Winograd.Filters<Winograd4>(device, w, shape),
                _ => Panels.OfColumns(device, new HostRows(w, terms), 1, terms, shape.N),
            };
    }

    internal static void ForwardHost(Tensor x, Panels w, HostAlgorithm algorithm, ConvGeometry g, Tensor? bias,
        Tensor y, Tensor? residual, Activation f, Moments? moments = null)
    {
        switch (algorithm)
        {
            case HostAlgorithm.Winograd2: Winograd.Run<Winograd2>(x, w, bias, y, g.Pad, residual, f); return;
            case HostAlgorithm.Winograd4: Winograd.Run<Winograd4>(x, w, bias, y, g.Pad, residual, f); return;
        }
        using var padded = PadFewChannels(x, g);
        new Product
        {
            A = Patches(x, padded, y.Shape, g),
            B = w,
            M = y.Rows,
            Batches = 1,
            Y = new Scatter(y.Host, y.Shape.H, y.Shape.W),
            Residual = residual is null ? default : new Scatter(residual.Host, y.Shape.H, y.Shape.W),
            Epilogue = new Epilogue { Bias = bias is null ? null : bias.Host.Data, Activation = f },
            Moments = moments?.Begin(y) ?? default,
        }.Run(y.Device);
    }

    private static void InputGradientHost(Tensor dy, Tensor w, Tensor dx, ConvGeometry g, bool add) =>
        InputGradientBy(Choose(Pass.InputGradient, g, dx.Shape, dy.C), dy, w, dx, g, add);

    /// <summary>The gradient to the input is a convolution of dy with the taps reversed. With stride s the inputs fall
    /// into s² phases (coordinates modulo s); each uses its own subset of the taps at stride 1, so that no zero is
    /// multiplied.</summary>
    internal static void InputGradientBy(HostAlgorithm algorithm, Tensor dy, Tensor w, Tensor dx, ConvGeometry g,
        bool add)
    {
        switch (algorithm)
        {
            case HostAlgorithm.Winograd2: Winograd.InputGradient<Winograd2>(dy, w, dx, g.Pad, add); return;
            case HostAlgorithm.Winograd4: Winograd.InputGradient<Winograd4>(dy, w, dx, g.Pad, add); return;
        }
        for (int phaseY = 0; phaseY < Math.Min(g.Stride, dx.Shape.H); phaseY++)
            for (int phaseX = 0; phaseX < Math.Min(g.Stride, dx.Shape.W); phaseX++)
                InputGradientPhase(dy, w, dx, g, add, phaseY, phaseX);
    }

    private static void InputGradientPhase(Tensor dy, Tensor w, Tensor dx, ConvGeometry g, bool add, int phaseY,
        int phaseX)
    {
        int h = (dx.Shape.H - phaseY + g.Stride - 1) / g.Stride, v = (dx.Shape.W - phaseX + g.Stride - 1) / g.Stride;
        var (tapsY, lastY, originY) = Phase(g, phaseY);
        var (tapsX, lastX, originX) = Phase(g, phaseX);
        if (tapsY == 0 || tapsX == 0)
        {
            if (!add) Clear(dx, g.Stride, phaseY, phaseX, h, v);
            return;
        }
        using var panels = Panels.OfTaps(dx.Device, w, tapsY, tapsX, lastY, lastX, g.Stride);
        new Product
        {
            A = new Gather
            {
                Data = dy.Host.Data,
                Pitch = dy.Pitch,
                ItemPitch = (nint)dy.Shape.Area * dy.Pitch,
                H = dy.Shape.H,
                W = dy.Shape.W,
                OutH = h,
                OutW = v,
                TapsY = tapsY,
                TapsX = tapsX,
                Stride = 1,
                OriginY = originY,
                OriginX = originX,
                Length = dy.C,
                Step = 1,
            },
            B = panels,
            M = dx.Shape.N * h * v,
            Batches = 1,
            Y = new Scatter(rows: dx.Host, h: dx.Shape.H, w: dx.Shape.W, stride: g.Stride, originY: phaseY,
                originX: phaseX),
            Epilogue = new Epilogue { Add = add },
        }.Run(dx.Device);
    }

    /// <summary>Along one axis, the taps that reach inputs a = i·s + phase: those ≡ (phase + p) mod s. The output that
    /// tap u reaches a from is (a + p − u)/s, so the largest tap comes first and starts at
    /// <c>Origin</c> for i = 0.</summary>
    private static (int Taps, int Last, int Origin) Phase(ConvGeometry g, int phase)
    {
        int tap = (phase + g.Pad) % g.Stride;
        if (tap >= g.Kernel) return default;
        int taps = (g.Kernel - tap + g.Stride - 1) / g.Stride, last = tap + (taps - 1) * g.Stride;
        return (taps, last, (phase + g.Pad - last) / g.Stride);
    }

    private static void Clear(Tensor dx, int stride, int phaseY, int phaseX, int h, int w)
    {
        var rows = dx.Host;
        for (int n = 0; n < dx.Shape.N; n++)
            for (int i = 0; i < h; i++)
                for (int j = 0; j < w; j++)
                    new Span<float>(
                        rows.Row((n * dx.Shape.H + i * stride + phaseY) * dx.Shape.W + j * stride + phaseX),
                        dx.C).Clear();
    }

    private static Tensor? PadFewChannels(Tensor x, ConvGeometry g)
    {
        if (g.Kernel == 1 || x.C >= FewChannels) return null;
        var padded = Tensor.Rent(x.Device, new Shape(x.Shape.N, x.Shape.H + 2 * g.Pad, x.Shape.W + 2 * g.Pad, x.C),
            "padded input");
        x.Device.Team.For(padded.Shape.N * padded.Shape.H, new PadJob(x, padded, g.Pad), padded.Shape.W * x.C / 2);
        return padded;
    }

    private static Gather Patches(Tensor x, Tensor? padded, Shape y, ConvGeometry g)
    {
        var source = padded ?? x;
        var rows = source.Host;
        bool merged = padded is not null;
        return new Gather
        {
            Data = rows.Data,
            Pitch = rows.Pitch,
            ItemPitch = (nint)source.Shape.Area * rows.Pitch,
            H = source.Shape.H,
            W = source.Shape.W,
            OutH = y.H,
            OutW = y.W,
            TapsY = g.Kernel,
            TapsX = merged ? 1 : g.Kernel,
            Stride = g.Stride,
            OriginY = merged ? 0 : -g.Pad,
            OriginX = merged ? 0 : -g.Pad,
            Length = merged ? g.Kernel * x.C : x.C,
            Step = 1,
        };
    }

    private readonly struct PadJob(Tensor x, Tensor padded, int pad) : IJob
    {
        public void Run(int begin, int end)
        {
            HostRows from = x.Host, to = padded.Host;
            for (int line = begin; line < end; line++)
            {
                int n = line / padded.Shape.H, i = line % padded.Shape.H - pad;
                new Span<float>(to.Row(line * padded.Shape.W), padded.Shape.W * x.C).Clear();
                if (i < 0 || i >= x.Shape.H) continue;
                for (int j = 0; j < x.Shape.W; j++)
                    Panels.CopyRow(from.Row((n * x.Shape.H + i) * x.Shape.W + j), x.C, x.C,
                        to.Row(line * padded.Shape.W + pad + j));
            }
        }
    }
}
