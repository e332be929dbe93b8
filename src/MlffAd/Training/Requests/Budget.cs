namespace MlffAd.Training;

/// <summary>How long training lasts: a number of images, a time, or whichever is reached first.</summary>
/// <param name="Images">Images after which it ends, or null.</param>
/// <param name="Time">Time after which it ends, or null.</param>
public sealed record Budget(long? Images, TimeSpan? Time)
{
    /// <summary>Where a memory is made beside the network, the network's part of the time.</summary>
    internal const double NetworkPart = 0.8;

    /// <summary>What was asked for; epochs count where they were named, or where nothing else limits.</summary>
    public static Budget Of(TrainingRequest request, int imagesPerEpoch)
    {
        bool byEpochs = request is { MaxImages: null, TimeBudget: null }
            || request.ExplicitKeys.Contains("train.epochs");
        long? epochs = byEpochs ? (long)request.Config.Train.Epochs * imagesPerEpoch : null;
        return new Budget(epochs is null ? request.MaxImages
            : Math.Min(epochs.Value, request.MaxImages ?? long.MaxValue),
            request.TimeBudget * (request.Config.HasMemory ? NetworkPart : 1));
    }

    /// <summary>The share s ∈ [0, 1] that is done.</summary>
    public double Share(long images, TimeSpan elapsed) =>
        Math.Min(1, Math.Max(Images is { } n ? (double)images / n : 0, Time is { } t ? elapsed / t : 0));

    /// <summary>The learning rate of step t with the share s done before it (spec §8).</summary>
    public static double Rate(TrainConfig c, long t, double s)
    {
        double warmup = c.Warmup > 0 ? Math.Min(1, (t + 1.0) / c.Warmup) : 1;
        double course = c.Schedule == Schedule.Cosine ? 0.5 * (1 + Math.Cos(Math.PI * s)) : 1;
        return c.Lr * warmup * course / (1 + c.LrDecay * t);
    }
}
