using MlffAd.Training;

namespace MlffAd.Bench;

/// <summary>Every operator that a training step calls, at the step's own shapes, each once with its number of calls:
/// found by walking the network's description. A term notes its forward at once and its gradients on the way back, as
/// <see cref="Recorder"/> and <see cref="Tape"/> would run them.</summary>
public sealed partial class StepOperators : IExecutor
{
    private readonly Dictionary<(string Name, string What), OperatorCase> _cases = [];
    private readonly Stack<Action> _backward = [];
    private readonly HashSet<Value> _written = [];
    private readonly Dictionary<Value, Format> _formats = [];   // of what is not float32
    private readonly MapFormats _maps;
    private readonly MemorySample? _sample;
    private bool _inStep = true;

    private StepOperators(MapFormats maps, MemorySample? sample) => (_maps, _sample) = (maps, sample);

    /// <summary>The cases, family by family; at the end those that no step of this network calls.</summary>
    /// <param name="config">The network.</param>
    /// <param name="batch">Images of a step.</param>
    /// <param name="device">Where it runs, which decides the maps' formats.</param>
    public static IReadOnlyList<OperatorCase> Of(Config config, int batch, Device device) =>
        Of(config, batch, device, null);

    /// <summary>The same, where a memory of photographs is searched for the cells of others.</summary>
    /// <param name="config">The network.</param>
    /// <param name="batch">Images of a step.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="sample">The memory; null: noise is searched for noise.</param>
    public static IReadOnlyList<OperatorCase> Of(Config config, int batch, Device device, MemorySample? sample)
    {
        var walk = new StepOperators(new MapFormats(config, device), sample);
        walk.Step(config, batch, device);
        walk._inStep = false;
        walk.Others(config, batch, device);
        return [.. walk._cases.Values.GroupBy(c => c.Name.Split('.')[0])
            .SelectMany(family => family.OrderBy(c => c.Name, StringComparer.Ordinal))];
    }

    /// <summary>Those whose operator or shape contains a text; all where there is none.</summary>
    /// <exception cref="MlffAdException">There are none of them (exit code 2).</exception>
    public static IReadOnlyList<T> Filter<T>(IReadOnlyList<T> cases, string? text) where T : class
    {
        T[] some = [.. cases.Where(c => c.ToString()!.Contains(text ?? "", StringComparison.OrdinalIgnoreCase))];
        return some is not []
            ? some
            : throw new MlffAdException(ExitCode.Usage,
                $"No operator or shape contains '{text}'; without --filter all are shown.");
    }

    private void Step(Config config, int batch, Device device)
    {
        var image = new Value(new Shape(batch, config.ImageSize, config.ImageSize, 3), "image");
        var features = new MlffNetwork(config).Forward(this, image);
        Value F = features.F, S = features.S, labels = Of(S.Shape, "labels"), values = Of(Shape.Of(4), "losses");
        if (!device.IsHost) Made(config, batch);
        else
        {
            foreach (var input in (ReadOnlySpan<Value>)[image, labels])
            {
                var flat = Of(Shape.Of((int)input.Shape.Count), "new");
                Note("pointwise.copy", $"{flat.Shape}", [flat, flat], t => Pointwise.Copy(t[0], t[1]));
            }
        }
        var o = KernelOptions.Loss(config.Loss);
        Note("losses", $"{F.Shape}", [F, S, labels, values, F, S],
            t => Losses.Evaluate(t[0], t[1], t[2], o, t[3], t[4], t[5]), t => t[2].Write(Labels(S.Shape)));
        _written.UnionWith([F, S]);
        while (_backward.TryPop(out var gradients)) gradients();

        var parameters = MlffNetwork.Parameters(config);
        Value w = Of(Shape.Of(parameters.TrainedFloats), "parameters");
        Value statistics = Of(Shape.Of(parameters.StatisticFloats), "statistics");
        Note("batchnorm.running", Count(statistics), [statistics, statistics, statistics],
            t => BatchNorm.UpdateRunning(t[0], t[1], 1, t[2]), t => Pointwise.Fill(t[1], 100));
        var clip = Of(Shape.Of(2), "clip");
        Note("sgd.clip", Count(w), [w, values, clip], t => Sgd.Clip(t[0], t[1], 0, t[2]));
        var all = new SgdRange(0, parameters.Trained.Max(p => p.Start + p.Count), 1e-5f);
        if (device.MapFormat == Format.Bf16)
            Note("pointwise.copy", Count(w) + " bf16", [w, In(Format.Bf16, Of(w.Shape, "rounded"))],
                t => Pointwise.Copy(t[0], t[1]));
        Note("sgd.step", Count(w), [w, w, w, clip],
            t => Sgd.Step(t[0], t[1], t[2], [all], rate: 1e-4f, momentum: 0.9f, t[3]), t => t[3].Write([1, 1]));
    }

    /// <summary>A batch that the device makes.</summary>
    private void Made(Config config, int batch)
    {
        var book = PseudoAnomalies.Sample(config.With("train.batch", batch.ToString(CultureInfo.InvariantCulture)));
        float[] packed = book.Pack().ToArray();
        Value image = Of(new(batch, config.ImageSize, config.ImageSize, 3), "image");
        Value labels = Of(new(batch, config.MapSide, config.MapSide, 1), "labels");
        Note("synthesis", $"{image.Shape}", [Of(Shape.Of(packed.Length), "recipes"), image, labels,
            Of(Shape.Of(batch), "stayed good")], t => Synthesis.Forward(t[0], book.Options, book.Normalisation, t[1],
                t[2], t[3]), t => t[0].Write(packed));
    }

    /// <summary>Operators that the network does without, or that come before it.</summary>
    private void Others(Config config, int batch, Device device)
    {
        if (!_cases.Keys.Any(k => k.Name == "synthesis")) Made(config, batch);
        Value map = Of(new(batch, config.MapSide, config.MapSide, config.Fusion.Width), "map");
        Value score = Of(map.Shape.WithC(1), "score");
        Value image = Of(new(batch, config.ImageSize, config.ImageSize, 3), "image");
        Value photograph = Of(Shape.Of((3 * batch * Photograph * Photograph + 3) / 4), "photograph");
        var how = KernelOptions.Normalisation(Preprocessing.ImageNet);
        Note("losses.distance", $"{map.Shape}", [map, score], t => Losses.Distance(t[0], t[1]));
        Note("losses.distance.gradient", $"{map.Shape}", [map, score, map],
            t => Losses.DistanceGradient(t[0], t[1], t[2]));
        Note("pointwise.activation", $"{map.Shape} {Activation.ReLU}", [map, map],
            t => Pointwise.Apply(Activation.ReLU, t[0], t[1]));
        Note("pointwise.copy", $"{map.Shape}", [map, map], t => Pointwise.Copy(t[0], t[1]));
        // what attention between levels is made of on the host
        Value matrices = Of(Shape.Of(batch, 128, 128), "matrices");
        Note("matmul", Text(matrices), [matrices, matrices, matrices],
            t => MatMul.Forward(t[0], t[1], t[2], transposeA: false, transposeB: true));
        Note("softmax", Text(matrices), [matrices, matrices], t => Softmax.Rows(t[0], t[1]));
        Note("softmax.gradient", Text(matrices), [matrices, matrices, matrices],
            t => Softmax.Gradient(t[0], t[1], t[2]));
        Note("imaging.normalise", $"{image.Shape}", [image, image], t => Normalise.Forward(t[0], t[1], how));
        Memory(_sample?.Config ?? config, batch, device);
        Note("imaging.resize", $"{Photograph}×{Photograph} → {image.Shape}", [photograph, image],
            t => AntialiasResize.Forward(t[0], Photograph, Photograph, t[1]));
    }

    /// <summary>A side of MVTec AD's photographs.</summary>
    private const int Photograph = 900;

    private void Note(
        string name, string what, Value[] operands, Action<Tensor[]> call, Action<Tensor[]>? prepare = null) =>
        Note(name, what, operands, t =>
        {
            prepare?.Invoke(t);
            return new OperatorCall(() => call(t));
        });

    private void Note(string name, string what, Value[] operands, Func<Tensor[], OperatorCall> bind)
    {
        if (!_cases.TryGetValue((name, what), out var known))
            _cases[(name, what)] = known = new(name, what, operands, FormatOf, bind);
        if (_inStep) known.InStep++;
    }

    /// <summary>Whether a gradient is added to, as in <see cref="Value.Receive"/>: the first to give the whole
    /// overwrites, the first to give a part finds zeros.</summary>
    private bool Adds(Value x)
    {
        var whole = x.Root;
        bool first = _written.Add(whole);
        if (first && x != whole) Note("pointwise.fill", Text(whole), [whole], t => Pointwise.Fill(t[0], 0));
        return !first || x != whole;
    }

    private static Value Of(Shape shape, string name) => new(shape, name);

    private Value In(Format format, Value v)
    {
        if (format != Format.Float32) _formats[v] = format;
        return v;
    }

    private Format FormatOf(Value v) => _formats.GetValueOrDefault(v.Root);

    /// <summary>A shape, of how many channels it is a slice, and its format.</summary>
    private string Text(Value v) =>
        $"{v.Shape}{(v.Root.Shape.C == v.Shape.C ? "" : $" of {v.Root.Shape.C}")}{Text(FormatOf(v))}";

    private static string Text(Format format) => format == Format.Bf16 ? " bf16" : "";

    private static string Text(Activation f) => f == Activation.None ? "" : $" {f}";

    private static string Text(bool add) => add ? " +=" : "";

    private static string Count(Value v) => FormattableString.Invariant($"{v.Shape.C / 1e6:0.0} million");

    /// <summary>An anomaly in the corner of every second image.</summary>
    private static float[] Labels(Shape s) =>
        [.. Enumerable.Range(0, s.Rows).Select(i => i / s.Area % 2 == 1 && i % s.Area / s.W < s.H / 4
            && i % s.W < s.W / 4 ? 1f : 0f)];
}
