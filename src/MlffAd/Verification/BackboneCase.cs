namespace MlffAd.Verification;

/// <summary>Compares a backbone's features with those that the weights' source network gives: a file of <c>X.input</c>
/// (planes B, G, R of 0…255 minus Caffe's means) and <c>X.stage1</c> to <c>X.stage3</c>, all <c>[1, C, H, W]</c>, for a
/// few images X of any size.</summary>
internal static class BackboneCase
{
    private const double FloatTolerance = 1e-4, HalfTolerance = 5e-3;
    private static readonly float[] CaffeMeans = [103.939f, 116.779f, 123.68f];

    /// <summary>Whether a file is one of features.</summary>
    public static bool IsFeatures(SafetensorsFile file) =>
        file.Tensors.Keys.Any(name => name.EndsWith(".stage1", StringComparison.Ordinal));

    /// <summary>Runs the backbone on every image; errors are <c>max|a − b| / max|b|</c> a stage, tolerances 1e-4 where
    /// all weights are float32 and 5e-3 else.</summary>
    public static IEnumerable<TensorError> Verify(SafetensorsFile features, string weightsPath, Device device)
    {
        var file = WeightsFile.Load(weightsPath);
        var config = new Config
        {
            Backbone = new BackboneConfig
            {
                Stages = [.. file.Stages],
                Width = file.Width,
                StrideIn = file.Metadata.StrideIn ?? default,
                BnEps = file.Metadata.BnEps ?? 1e-5,
            },
        };
        var weights = Initialisation.Random(MlffNetwork.Parameters(config), seed: 0);
        Initialisation.Import(file, weights);
        double tolerance = IsHalf(weightsPath) ? HalfTolerance : FloatTolerance;
        foreach (string image in features.Tensors.Keys.Where(name => name.EndsWith(".input", StringComparison.Ordinal))
            .Select(name => name[..^".input".Length]).Order(StringComparer.Ordinal))
        {
            int[] s = features[image + ".input"].Shape;
            using var plan = Planner.Plan(config, weights, device, new Shape(1, s[2], s[3], 3), (x, input) =>
            {
                var backbone = new Backbone(config);
                var f1 = backbone.Stage(x, backbone.Stem(x, input), 1);
                var f2 = backbone.Stage(x, f1, 2);
                return [f1, f2, backbone.Stage(x, f2, 3)];
            });
            plan.Input.Write(Preprocess(features.ReadFloats(image + ".input"), s[2] * s[3], file.Metadata.Preprocessing
                ?? Preprocessing.ImageNet));
            plan.Run();
            for (int stage = 1; stage <= 3; stage++)
            {
                string name = $"{image}.stage{stage}";
                var found = plan.Outputs[stage - 1];
                var expected = new float[found.Count];
                ConvolutionLayout.ToMemory(features.ReadFloats(name, [1, found.C, found.Shape.H, found.Shape.W]),
                    expected, found.C, found.Shape.Area);
                yield return new TensorError(name, ReferenceFile.Error(found.ToArray(), expected, 0), tolerance);
            }
        }
    }

    private static bool IsHalf(string weightsPath)
    {
        using var file = SafetensorsFile.Open(weightsPath);
        return file.Tensors.Values.Any(tensor => tensor.DType != DType.F32);
    }

    /// <summary>Back to pixel values, then to what the network is fed; channels last.</summary>
    private static float[] Preprocess(float[] planes, int area, Preprocessing p)
    {
        var input = new float[planes.Length];
        for (int c = 0; c < 3; c++)
        {
            int plane = p.Order == "BGR" ? c : 2 - c;
            for (int i = 0; i < area; i++)
                input[3 * i + c] =
                    (float)((((double)planes[plane * area + i] + CaffeMeans[plane]) / p.Scale - p.Mean[c]) / p.Std[c]);
        }
        return input;
    }
}
