using MlffAd.Autograd;
using MlffAd.Kernels.Runtime;

namespace MlffAd.Execution;

/// <summary>A network ready to run: a flat list of launches over memory that is laid out once. Running it allocates nothing.</summary>
public sealed class Plan : IDisposable
{
    private readonly Action[] _steps;
    private readonly Tensor[] _memory;

    internal Plan(Value input, Value[] outputs, Action[] steps, Tensor[] memory)
    {
        (Input, Outputs) = (input.Tensor, [.. outputs.Select(value => value.Tensor)]);
        (_steps, _memory) = (steps, memory);
    }

    /// <summary>The input, to be written before <see cref="Run"/>.</summary>
    public Tensor Input { get; }

    /// <summary>What the description returned, valid after <see cref="Run"/>.</summary>
    public IReadOnlyList<Tensor> Outputs { get; }

    /// <summary>Launches.</summary>
    public int Steps => _steps.Length;

    /// <summary>Computes the outputs; does not wait for a GPU.</summary>
    public void Run()
    {
        foreach (var step in _steps) step();
    }

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        foreach (var tensor in _memory) tensor.Dispose();
    }
}
