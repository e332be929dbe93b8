using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace MlffAd.Training;

/// <summary>Saves a training's state, and restores it (spec §8).</summary>
/// <param name="request">The training's, with the configuration that it goes by.</param>
/// <param name="preprocessing">What the network is fed.</param>
/// <param name="split">How images were held out.</param>
/// <param name="store">The images trained on.</param>
internal sealed class TrainingSaver(TrainingRequest request, Preprocessing preprocessing, SplitBy split,
    ImageStore store)
{
    private TrainingFile[]? _files;

    private TrainingFile[] Files => _files ??= [.. store.Items.Select(item =>
    {
        using var stream = File.OpenRead(item.Path);
        return new TrainingFile(item.Name, Convert.ToHexStringLower(SHA256.HashData(stream)));
    })];

    /// <summary>The request with the checkpoint's configuration, which the user's keys must not contradict.</summary>
    public static TrainingRequest Adopt(Checkpoint checkpoint, TrainingRequest request)
    {
        checkpoint.RequireSame(request.Config, request.ExplicitKeys);
        return request with
        {
            Config = checkpoint.Metadata.Config,
            ExplicitKeys = request.ExplicitKeys.Union(checkpoint.Metadata.Given).ToHashSet(),
        };
    }

    /// <summary>Sets the parameters to a checkpoint's, after checking that the photographs and, where given, the budget
    /// are the same.</summary>
    public (TrainingState State, Budget Budget) Restore(Checkpoint checkpoint, Parameters parameters, Budget asked)
    {
        checkpoint.RequireSame(Files);
        var (state, budget) = TrainingState.From(checkpoint.Metadata);
        if (asked != budget && (request.MaxImages is not null || request.TimeBudget is not null))
            throw new MlffAdException(ExitCode.Usage,
                $"'{request.Resume}' was begun with another --max-images or --time-budget; resume it as it was: "
                + "leave them out.");
        var list = parameters.List;
        var weights = NetworkWeights.Read(list, checkpoint.Tensors, "weights/", "stats/");
        parameters.Restore(weights, NetworkWeights.Read(list, checkpoint.Tensors, "velocity/", "stats/").Trained);
        return (state, budget);
    }

    /// <summary>Saves the state. Training makes so little garbage that the copies of all weights made here, and those
    /// that the start left, would stay: they are collected.</summary>
    public void Save(Parameters parameters, TrainingState state, TrainingClock clock)
    {
        Write(parameters, state, clock);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Not inlined, so that nothing on the stack holds the copies when it returns.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Write(Parameters parameters, TrainingState state, TrainingClock clock)
    {
        var metadata = state.ToMetadata(request.Config, preprocessing, request.ClassName, Files, clock.Elapsed,
            clock.Budget, split) with
        {
            Given = [.. request.ExplicitKeys.Where(Config.IsOfMemory).Order(StringComparer.Ordinal)],
        };
        Checkpoint.Save(request.StatePath, metadata,
        [
            .. parameters.ToHost().ToTensorData("weights/", "stats/"),
            .. NetworkWeights.Write(parameters.List.Trained, parameters.Velocities.ToArray(), "velocity/"),
        ]);
    }
}
