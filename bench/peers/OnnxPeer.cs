using Microsoft.ML.OnnxRuntime;

namespace MlffAd.Peers;

/// <summary>ONNX Runtime with its best settings: all graph optimisations, its threads spinning, inputs and
/// outputs bound once.</summary>
internal sealed class OnnxPeer : IDisposable
{
    private readonly SessionOptions _options;
    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly RunOptions _run = new();
    private readonly List<OrtValue> _values = [];

    public OnnxPeer(byte[] model, int threads)
    {
        _options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
        };
        _session = new InferenceSession(model, _options);
        _binding = _session.CreateIoBinding();
    }

    public void Bind<T>(T[] input, long[] shape) where T : unmanaged
    {
        var value = OrtValue.CreateTensorValueFromMemory(input, shape);
        _values.Add(value);
        _binding.BindInput(_session.InputNames[0], value);
        foreach (string name in _session.OutputNames) _binding.BindOutputToDevice(name, OrtMemoryInfo.DefaultInstance);
    }

    public void Run() => _session.RunWithBinding(_run, _binding);

    public float[] Output(int index)
    {
        using var outputs = _binding.GetOutputValues();
        return outputs[index].GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose()
    {
        foreach (var value in _values) value.Dispose();
        _binding.Dispose();
        _run.Dispose();
        _session.Dispose();
        _options.Dispose();
    }
}
