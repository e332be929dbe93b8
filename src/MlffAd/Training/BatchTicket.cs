namespace MlffAd.Training;

/// <summary>A batch on its way to the device: what <see cref="TrainingStep.Upload(Data.Batch)"/> gives, and
/// <see cref="TrainingStep.Run(BatchTicket, double, Action?)"/> takes, once and before the next upload.</summary>
public readonly record struct BatchTicket
{
    /// <summary>The epoch that it belongs to.</summary>
    public int Epoch { get; internal init; }

    /// <summary>Its images.</summary>
    public int Images { get; internal init; }

    /// <summary>Images that no draw changed enough (spec §2.6), where the host made the batch.</summary>
    public int StayedGood { get; internal init; }

    /// <summary>How the device makes the batch; null if the host has made it.</summary>
    internal RecipeBook? Book { get; init; }

    /// <summary>Uploads of the step until then.</summary>
    internal int Number { get; init; }
}
