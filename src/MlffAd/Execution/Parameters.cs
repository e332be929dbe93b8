namespace MlffAd.Execution;

/// <summary>A network's numbers on a device while it trains: one flat buffer each of weights, gradients, velocities and
/// statistics, with named views.</summary>
public sealed class Parameters : IDisposable
{
    private readonly Tensor _rowsOfStatistics;
    private readonly float[] _constants;
    private bool _hasRows;

    /// <summary>Rents the buffers; gradients and velocities are 0.</summary>
    /// <param name="device">Where.</param>
    /// <param name="weights">Weights and statistics to start from.</param>
    public Parameters(Device device, NetworkWeights weights)
    {
        (List, _constants) = (weights.List, weights.Constants);
        int trained = List.TrainedFloats, statistics = List.StatisticFloats;
        Weights = Tensor.From(device, Shape.Of(trained), weights.Trained, "weights");
        Gradients = Tensor.Rent(device, Shape.Of(trained), "gradients");
        Velocities = Tensor.Rent(device, Shape.Of(trained), "velocities");
        Statistics = Tensor.From(device, Shape.Of(statistics), weights.Statistics, "running statistics");
        BatchStatistics = Tensor.Rent(device, Shape.Of(statistics), "batch statistics");
        _rowsOfStatistics = Tensor.Rent(device, Shape.Of(statistics), "rows of statistics");
        if (device.MapFormat == Format.Bf16)
            Rounded = Tensor.Rent(device, Shape.Of(trained), "weights in bf16", format: Format.Bf16);
        Round();
        Pointwise.Fill(Gradients, 0);
        Pointwise.Fill(Velocities, 0);
    }

    /// <summary>Names and places.</summary>
    public ParameterList List { get; }

    /// <summary>The trained numbers.</summary>
    public Tensor Weights { get; }

    /// <summary>The same in BF16, as <see cref="Round"/> left them, on a device that multiplies
    /// so; else null.</summary>
    public Tensor? Rounded { get; }

    /// <summary>The loss's gradient to them.</summary>
    public Tensor Gradients { get; }

    /// <summary>Momentum's running sums.</summary>
    public Tensor Velocities { get; }

    /// <summary>Running means and variances.</summary>
    public Tensor Statistics { get; }

    /// <summary>Means and variances of the present batch.</summary>
    public Tensor BatchStatistics { get; }

    /// <summary>Rows of an image behind each of <see cref="Statistics"/>, as <see cref="BatchNorm.UpdateRunning"/>
    /// takes them; they are counted when they are first asked for, and the same for every recording of one
    /// configuration.</summary>
    internal Tensor RowsOfStatistics(Func<float[]> count)
    {
        if (!_hasRows) _rowsOfStatistics.Write(count());
        _hasRows = true;
        return _rowsOfStatistics;
    }

    /// <summary>Takes over what training stood at.</summary>
    /// <param name="weights">Weights and running statistics.</param>
    /// <param name="velocities">Momentum's running sums.</param>
    public void Restore(NetworkWeights weights, float[] velocities)
    {
        Weights.Write(weights.Trained);
        Statistics.Write(weights.Statistics);
        Velocities.Write(velocities);
        Round();
    }

    /// <summary>Rounds the weights anew, after each step; the step itself is taken in float32.</summary>
    public void Round()
    {
        if (Rounded is not null) Pointwise.Copy(Weights, Rounded);
    }

    /// <summary>Stored numbers that do not train, on the host.</summary>
    public ReadOnlySpan<float> Constant(string name) => _constants.AsSpan(List[name].Start, List[name].Count);

    /// <summary>A parameter's part of one of the buffers.</summary>
    public static Tensor View(Tensor buffer, Parameter parameter) => buffer.Part(parameter.Start, parameter.Shape);

    /// <summary>Weights and statistics, copied to the host.</summary>
    public NetworkWeights ToHost() => new(List, Weights.ToArray(), Statistics.ToArray(), _constants);

    /// <summary>Returns the buffers.</summary>
    public void Dispose()
    {
        foreach (var buffer in (ReadOnlySpan<Tensor>)[Weights, Gradients, Velocities, Statistics, BatchStatistics,
            _rowsOfStatistics]) buffer.Dispose();
        Rounded?.Dispose();
    }
}
