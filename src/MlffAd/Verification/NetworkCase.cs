using System.Text.Json;
using MlffAd.Training;

namespace MlffAd.Verification;

/// <summary>Recomputes a network file: what a step computes, every gradient, statistics and weights through five steps,
/// and evaluation after them.</summary>
internal sealed class NetworkCase
{
    private const double FineTolerance = 1e-3, Tolerance = 5e-3, StepTolerance = 2e-2, StepFloor = 1e-2;
    private readonly ReferenceFile _file;
    private readonly Config _config;
    private readonly ParameterList _list;
    private readonly List<TensorError> _errors = [];

    private NetworkCase(ReferenceFile file)
    {
        (_file, _config) = (file, Configure(file));
        _list = MlffNetwork.Parameters(_config);
    }

    /// <summary>Runs the file's five steps and measures everything it holds.</summary>
    /// <exception cref="MlffAdException">The file is incomplete (exit code 4).</exception>
    public static IEnumerable<TensorError> Verify(ReferenceFile file, Device device)
    {
        try
        {
            var run = new NetworkCase(file);
            run.Train(device, out var trained);
            run.Evaluate(device, trained);
            return run._errors;
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or JsonException
            or ArgumentException)
        {
            throw new MlffAdException(ExitCode.BadModel,
                $"'{file.Source}' cannot be computed: {e.Message.TrimEnd('.')}.", e);
        }
    }

    private static Config Configure(ReferenceFile file)
    {
        try
        {
            var (config, optimiser) = (Config.FromJson(file.Text("config")), file.Json("optimiser"));
            return config with
            {
                Train = config.Train with
                {
                    Bn = file.Text("bn") == "frozen" ? BnMode.Frozen : BnMode.Train,
                    Lr = optimiser.GetProperty("lr").GetDouble(),
                    Momentum = optimiser.GetProperty("momentum").GetDouble(),
                    WeightDecay = optimiser.GetProperty("weightDecay").GetDouble(),
                    ClipNorm = optimiser.GetProperty("clipNorm").GetDouble(),
                },
            };
        }
        catch (MlffAdException e)
        {
            throw new MlffAdException(ExitCode.BadModel,
            $"'{file.Source}' has a configuration that cannot be used: {e.Message}", e);
        }
    }

    private void Train(Device device, out NetworkWeights trained)
    {
        var weights = NetworkWeights.Zeros(_list);
        foreach (var p in _list.Trained) Load($"weights/{p.Name}", p, weights);
        foreach (var p in _list.Statistics) Load($"stats/{p.Name}", p, weights);
        float[] images = _file.Floats("x"), labels = [.. LabelsOf("y")], before = [.. weights.Trained];
        int steps = _file.Shape("x")[0], batch = _file.Shape("x")[1];
        int imageSize = images.Length / steps, labelSize = labels.Length / steps;

        using var parameters = new Parameters(device, weights);
        using var step = new TrainingStep(_config, parameters, batch);
        step.OnForward = Outputs;
        step.OnGradients = () => Compare("grad/", Tolerance, Named(_list.Trained, parameters.Gradients.ToArray()));
        var (losses, norms) = (_file.Json("losses"), _file.Json("gradNorms"));
        for (int i = 0; i < steps; i++)
        {
            var result = step.Run(images.AsSpan(i * imageSize, imageSize), labels.AsSpan(i * labelSize, labelSize),
                _config.Train.Lr);
            double[] found = [result.Losses.Total, result.Losses.Lf, result.Losses.Ls, result.Losses.Lfs];
            string[] names = ["total", "lf", "ls", "lfs"];
            for (int k = 0; k < found.Length; k++)
                Relative($"losses[{i}].{names[k]}", found[k], losses[i][k].GetDouble());
            Relative($"gradNorms[{i}]", result.GradientNorm, norms[i].GetDouble());
            if (i == 0)
                Compare("stats_after_1/", FineTolerance, Named(_list.Statistics, parameters.Statistics.ToArray()));
            (step.OnForward, step.OnGradients) = (null, null);
        }
        trained = parameters.ToHost();
        Compare("stats_after_5/", Tolerance, Named(_list.Statistics, trained.Statistics));
        // Weights are judged by the way they went, not by where they are: they start equal.
        float[] after = trained.Trained;
        var ours = Named(_list.Trained, [.. after.Zip(before, (a, b) => a - b)]).ToList();
        var theirs = _list.Trained.ToDictionary(p => p.Name,
            p => _file.Floats($"after_5/{p.Name}").Zip(_file.Floats($"weights/{p.Name}"), (a, b) => a - b).ToArray());
        double max = theirs.Values.Max(way => way.Max(Math.Abs));
        foreach (var (name, way) in ours) _errors.Add(new($"after_5/{name}",
            ReferenceFile.Error(way, theirs[name], max, StepFloor), StepTolerance));
    }

    private void Outputs(Features f)
    {
        var found = new List<(string, float[])>
        {
            ("f1", f.Stages[0].Tensor.ToArray()), ("f2", f.Stages[1].Tensor.ToArray()),
                ("f3", f.Stages[2].Tensor.ToArray()),
            ("sc", f.Sc.Tensor.ToArray()), ("F", f.F.Tensor.ToArray()), ("S", f.S.Tensor.ToArray()),
        };
        if (f.Texture is { } texture) found.Add(("texture", texture.Tensor.ToArray()));
        Compare("out/", FineTolerance, found);
    }

    private void Evaluate(Device device, NetworkWeights weights)
    {
        int[] extents = _file.Shape("x");
        var shape = new Shape(extents[1], extents[2], extents[3], extents[4]);
        using var plan = Planner.Plan(_config, weights, device, shape,
            (x, image) => new MlffNetwork(_config).Forward(x, image) is var f ? [f.F, f.S] : []);
        plan.Input.Write(_file.Floats("x").AsSpan(0, (int)shape.Count));
        plan.Run();
        float[] F = plan.Outputs[0].ToArray(), S = plan.Outputs[1].ToArray();
        int m = _config.MapSide;
        var pixels = S.Chunk(m * m)
            .SelectMany(map => new ScoreMap(m, m, map).Enlarge(_config.ImageSize, _config.ImageSize).Values);
        Compare("eval/", FineTolerance, [("F", F), ("S", S), ("pixels", [.. pixels])]);
    }

    private void Load(string name, Parameter p, NetworkWeights into)
    {
        if (!_file.Shape(name).AsSpan().SequenceEqual(p.FileShape))
            throw new InvalidOperationException($"'{name}' is not [{string.Join(',', p.FileShape)}]");
        NetworkWeights.FromFile(p, _file.Floats(name), into[p]);
    }

    private IEnumerable<float> LabelsOf(string name) =>
        _file.Tensors[name].DType == Weights.DType.F32 ? _file.Floats(name) : _file.Ints(name).Select(y => (float)y);

    private static IEnumerable<(string Name, float[] Values)> Named(IEnumerable<Parameter> parameters, float[] flat) =>
        parameters.Select(p => (p.Name, NetworkWeights.ToFile(p, flat.AsSpan(p.Start, p.Count))));

    /// <summary>Compares all that the file holds under a prefix.</summary>
    private void Compare(string prefix, double tolerance, IEnumerable<(string Name, float[] Values)> found)
    {
        var values = found.ToDictionary(f => prefix + f.Name, f => f.Values);
        string[] names = [.. _file.Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
        float max = _file.GroupMax(names);
        foreach (string name in names)
            _errors.Add(new(name, ReferenceFile.Error(values.TryGetValue(name, out float[]? v)
                ? v
                : throw new InvalidOperationException($"the network has no '{name}'"), _file.Floats(name), max),
                tolerance));
    }

    /// <summary>A number, relative to its reference; where that is 0, absolutely within 1e-6.</summary>
    private void Relative(string name, double found, double expected) => _errors.Add(expected == 0
        ? new(name, Math.Abs(found), 1e-6)
        : new(name, double.IsFinite(found) ? Math.Abs(found / expected - 1) : double.PositiveInfinity, Tolerance));
}
