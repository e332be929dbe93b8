namespace MlffAd.Autograd;

/// <summary>What was computed, in order, and how each step passes the gradient from its results to its operands.
/// Knows no operator.</summary>
/// <remarks>Backward walks from the end. Where it comes to the place a value was made, everyone who used the value came
/// later and has been passed, so value and gradient are freed there. Steps whose results no loss depends on are
/// skipped. What is written down can be computed again, on other inputs, as often as is liked.</remarks>
public sealed class Tape
{
    private readonly List<(Value? Made, Value[] Results, Action? Forward, Action? Backward)> _steps = [];

    /// <summary>Takes over a value that was just made.</summary>
    public void Own(Value made) => _steps.Add((made, [], null, null));

    /// <summary>Writes a step down that was just done.</summary>
    /// <param name="results">What it wrote.</param>
    /// <param name="forward">Computes the results.</param>
    /// <param name="backward">Reads the results' gradients, adds to the operands'; null if none needs one.</param>
    public void Record(Value[] results, Action forward, Action? backward) =>
        _steps.Add((null, results, forward, backward));

    /// <summary>Does all steps again, after <see cref="Backward"/> or <see cref="Free"/>.</summary>
    public void Forward()
    {
        foreach (var (made, _, forward, _) in _steps)
        {
            made?.Revive();
            forward?.Invoke();
        }
    }

    /// <summary>Passes the gradients that the last results hold down to the first operands, and frees
    /// everything on the way.</summary>
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
