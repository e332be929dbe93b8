namespace MlffAd.Autograd;

/// <summary>Records the steps of a computation in order, each with its backward pass; knows no operator.</summary>
/// <remarks>Backward runs from the end. When it reaches the step that made a value, all its consumers are done, so
/// value and gradient are freed there. Steps that no loss depends on are skipped. A recorded tape can be replayed on
/// other inputs.</remarks>
public sealed class Tape
{
    private readonly List<(Value? Made, Value[] Results, Action? Forward, Action? Backward)> _steps = [];

    /// <summary>Takes ownership of a new value.</summary>
    public void Own(Value made) => _steps.Add((made, [], null, null));

    /// <summary>Records a step that has just run.</summary>
    /// <param name="results">The values it wrote.</param>
    /// <param name="forward">Computes the results.</param>
    /// <param name="backward">Reads the results' gradients, adds to the operands'; null if none needs one.</param>
    public void Record(Value[] results, Action forward, Action? backward) =>
        _steps.Add((null, results, forward, backward));

    /// <summary>Replays all steps, after <see cref="Backward"/> or <see cref="Free"/>.</summary>
    public void Forward()
    {
        foreach (var (made, _, forward, _) in _steps)
        {
            made?.Revive();
            forward?.Invoke();
        }
    }

    /// <summary>Propagates the gradients that the last results hold to the first operands, and frees everything on the
    /// way.</summary>
    public void Backward() => Unwind(differentiate: true);

    /// <summary>Frees everything without differentiating.</summary>
    public void Free() => Unwind(differentiate: false);

    private void Unwind(bool differentiate)
    {
        for (int i = _steps.Count - 1; i >= 0; i--)
        {
            var (made, results, _, backward) = _steps[i];
            if (differentiate && backward is not null && Array.Exists(results, value => value.HasGradient)) backward();
            made?.Free();
        }
    }
}
