namespace MlffAd.Training;

/// <summary>A step's results on the device, in one vector: read back by one copy.</summary>
internal sealed class StepReadback : IDisposable
{
    private readonly Tensor _all;

    /// <param name="device">The training's device.</param>
    /// <param name="capacity">Images of the largest batch.</param>
    public StepReadback(Device device, int capacity)
    {
        _all = Tensor.Rent(device, Shape.Of(6 + capacity), "losses, norm, and who stayed good");
        (Losses, Clip, StayedGood) =
            (_all.Part(0, Shape.Of(4)), _all.Part(4, Shape.Of(2)), _all.Part(6, Shape.Of(capacity)));
    }

    /// <summary>The weighted sum of the losses, then L_f, L_s and L_fs.</summary>
    public Tensor Losses { get; }

    /// <summary>The gradient's norm, and the scale of the step.</summary>
    public Tensor Clip { get; }

    /// <summary>1 for each image that no draw changed enough, where the device made the batch.</summary>
    public Tensor StayedGood { get; }

    /// <summary>Reads the results back; synchronises the device.</summary>
    /// <param name="images">Images that the device made; 0 if the host made the batch.</param>
    public StepResult Read(int images)
    {
        float[] v = _all.ToArray();
        return new(new(v[0], v[1], v[2], v[3]), GradientNorm: v[4],
            StayedGood: (int)v.AsSpan(6, images).ToArray().Sum());
    }

    public void Dispose() => _all.Dispose();
}
