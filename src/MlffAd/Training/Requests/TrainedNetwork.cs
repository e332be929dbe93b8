namespace MlffAd.Training;

/// <summary>A network that has been trained, for a memory to be made beside it.</summary>
/// <param name="Weights">Its weights and running statistics.</param>
/// <param name="Preprocessing">What it is fed.</param>
/// <param name="Record">How it was trained.</param>
/// <param name="Held">The good images that it has not seen.</param>
internal sealed record TrainedNetwork(NetworkWeights Weights, Preprocessing Preprocessing, TrainingRecord Record,
    IReadOnlyList<ImageItem> Held);
