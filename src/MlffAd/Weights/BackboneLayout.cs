namespace MlffAd.Weights;

/// <summary>A convolution and the batch normalisation after it, by torchvision's names.</summary>
/// <param name="Conv">Name of the convolution, without <c>.weight</c>.</param>
/// <param name="Bn">Name of the batch normalisation, without <c>.weight</c>, <c>.bias</c>, <c>.running_mean</c>,
/// <c>.running_var</c>.</param>
/// <param name="Shape"><c>[Cout, Cin, KH, KW]</c>.</param>
public sealed record ConvBn(string Conv, string Bn, int[] Shape)
{
    /// <summary>The five tensors and their shapes.</summary>
    public IEnumerable<(string Name, int[] Shape)> Tensors =>
        [($"{Conv}.weight", Shape), .. BackboneLayout.BnParts.Select(part => ($"{Bn}.{part}", new[] { Shape[0] }))];
}

/// <summary>The tensors of a ResNet with bottlenecks up to stage 3 (spec §3), by torchvision's names.</summary>
public static class BackboneLayout
{
    internal static readonly string[] BnParts = ["weight", "bias", "running_mean", "running_var"];

    /// <summary>The convolutions, in the order of the data.</summary>
    /// <param name="stages">Bottlenecks of stages 1 to 3; [3, 4, 6] for ResNet50.</param>
    /// <param name="width">Channels of the first convolution; 64 for ResNet50.</param>
    public static IEnumerable<ConvBn> Convolutions(IReadOnlyList<int> stages, int width)
    {
        yield return new("conv1", "bn1", [width, 3, 7, 7]);
        int inputs = width;
        for (int k = 1; k <= stages.Count; k++)
        {
            int inner = width << (k - 1), outputs = 4 * inner;
            for (int i = 0; i < stages[k - 1]; i++, inputs = outputs)
            {
                string block = $"layer{k}.{i}";
                yield return new($"{block}.conv1", $"{block}.bn1", [inner, inputs, 1, 1]);
                yield return new($"{block}.conv2", $"{block}.bn2", [inner, inner, 3, 3]);
                yield return new($"{block}.conv3", $"{block}.bn3", [outputs, inner, 1, 1]);
                if (i == 0) yield return new($"{block}.downsample.0", $"{block}.downsample.1", [outputs, inputs, 1, 1]);
            }
        }
    }

    /// <summary>The stages and width that a set of tensors has: as many blocks as have a first convolution, at
    /// least one a stage.</summary>
    internal static (int[] Stages, int Width) Measure(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        var stages = new int[3];
        for (int k = 1; k <= stages.Length; k++)
        {
            while (tensors.ContainsKey($"layer{k}.{stages[k - 1]}.conv1.weight")) stages[k - 1]++;
            stages[k - 1] = Math.Max(1, stages[k - 1]);
        }
        int width = tensors.TryGetValue("conv1.weight", out var stem) && stem.Shape is [var w, ..] ? w : 64;
        return (stages, width);
    }
}
