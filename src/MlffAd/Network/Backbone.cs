namespace MlffAd.Network;

/// <summary>ResNet50 up to stage 3 (spec §3).</summary>
public sealed class Backbone(Config config)
{
    /// <summary>7×7/2, ReLU, max pool 3×3/2: <c>[N, S/4, S/4, width]</c>.</summary>
    public Value Stem(IExecutor x, Value image)
    {
        var conv = Conv("conv1", NetworkPart.Stem, config.Backbone.Width, kernel: 7, stride: 2);
        return x.MaxPool(x.ConvBn(conv, "backbone.bn1", image, Activation.ReLU), kernel: 3, stride: 2, pad: 1);
    }

    /// <summary>A stage of bottlenecks, 1 to 3; stages 2 and 3 halve the sides.</summary>
    /// <param name="x">Executor.</param>
    /// <param name="input">The stem, or the stage before.</param>
    /// <param name="stage">1, 2 or 3.</param>
    /// <param name="into">Where the last bottleneck writes.</param>
    public Value Stage(IExecutor x, Value input, int stage, Value? into = null)
    {
        int blocks = config.Backbone.Stages[stage - 1];
        for (int i = 0; i < blocks; i++)
            input = Bottleneck(x, input, stage, i, i == blocks - 1 ? into : null);
        return input;
    }

    /// <summary>1×1, 3×3, 1×1 to four times the width, plus the shortcut, which the first of a stage projects.
    /// </summary>
    private Value Bottleneck(IExecutor x, Value input, int stage, int block, Value? into)
    {
        string name = $"layer{stage}.{block}", bn = $"backbone.{name}";
        var part = stage == 1 ? NetworkPart.Stem : NetworkPart.Backbone;
        int width = config.Backbone.Width << (stage - 1), stride = stage > 1 && block == 0 ? 2 : 1;
        bool first = config.Backbone.StrideIn == StrideIn.OneByOne;
        Layer reduce = Conv($"{name}.conv1", part, width, 1, first ? stride : 1),
            spatial = Conv($"{name}.conv2", part, width, 3, first ? 1 : stride),
            expand = Conv($"{name}.conv3", part, 4 * width),
            project = Conv($"{name}.downsample.0", part, 4 * width, 1, stride);
        var y = x.ConvBn(reduce, $"{bn}.bn1", input, Activation.ReLU);
        y = x.ConvBn(spatial, $"{bn}.bn2", y, Activation.ReLU);
        var shortcut = block == 0 ? x.ConvBn(project, $"{bn}.downsample.1", input) : input;
        return x.ConvBn(expand, $"{bn}.bn3", y, Activation.ReLU, shortcut, into);
    }

    private static Layer Conv(string name, NetworkPart part, int outputs, int kernel = 1, int stride = 1) =>
        Layer.Conv($"backbone.{name}", outputs, kernel, stride) with { Part = part };
}
