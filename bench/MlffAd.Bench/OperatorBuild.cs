using System.Reflection;
using System.Runtime.Loader;

namespace MlffAd.Bench;

/// <summary>A build of the operators, loaded side by side with others; its types, code, device and memory are its
/// own.</summary>
/// <remarks>Called by reflection, so that old builds work; names are those of 3d1e941.</remarks>
internal sealed class OperatorBuild : IDisposable
{
    private readonly IDisposable _device;
    private readonly Dictionary<string, object> _cases;
    private readonly ConstructorInfo _run;
    private readonly MethodInfo _call;

    /// <summary>Loads a build, opens its device and lists its cases.</summary>
    /// <param name="path">The assembly with the list of operators; its dependencies lie beside it.</param>
    /// <param name="like">Gives the device, threads and precision to open.</param>
    /// <param name="batch">Images in the step.</param>
    /// <exception cref="MlffAdException">Not a build of the operators (exit code 2).</exception>
    /// <exception cref="DeviceException">The build cannot open the device.</exception>
    public OperatorBuild(string path, Device like, int batch)
    {
        var context = new Context(Path.GetDirectoryName(path)!);
        try
        {
            Assembly bench = context.LoadFromAssemblyPath(path);
            Assembly engine = context.LoadFromAssemblyName(new("MlffAd"));
            Assembly kernels = context.LoadFromAssemblyName(new("MlffAd.Kernels"));
            Type device = Find(kernels, "MlffAd.Kernels.Runtime.Device"), run = Find(bench, "MlffAd.Bench.OperatorRun");
            _run = run.GetConstructor([device, Find(bench, "MlffAd.Bench.OperatorCase"), typeof(long)])
                ?? throw new MissingMethodException(run.FullName, ".ctor");
            _call = run.GetMethod("Call", []) ?? throw new MissingMethodException(run.FullName, "Call");
            Type precision = Find(kernels, "MlffAd.Kernels.Runtime.Precision");
            object how = Enum.Parse(precision, like.Precision.ToString());
            _device = (IDisposable)Invoke(device, "Open", like.Id, like.Team.Count, how);
            object config = Invoke(Find(engine, "MlffAd.Configuration.Preset"), "Find", "paper");
            object cases = Invoke(Find(bench, "MlffAd.Bench.StepOperators"), "Of", config, batch, _device);
            _cases = ((IEnumerable<object>)cases).ToDictionary(c => c.ToString()!);
        }
        catch (Exception e)
            when (e is IOException or BadImageFormatException or TypeLoadException or MissingMemberException)
        {
            string why = e.Message.ReplaceLineEndings(" ");
            throw new MlffAdException(ExitCode.Usage, $"'{path}' has no operators that can be compared: {why}", e);
        }
        catch (Exception e) when (e.GetType().Name == nameof(DeviceException))   // the build's own type of that name
        {
            throw new DeviceException($"The build '{path}' says: {e.Message}");
        }
    }

    /// <summary>The cases' names: operator, space, shape.</summary>
    public IReadOnlyCollection<string> Cases => _cases.Keys;

    /// <summary>Makes a case's operands; the caller disposes them.</summary>
    /// <param name="name">One of <see cref="Cases"/>.</param>
    /// <param name="footprint">Least bytes of all copies of the operands.</param>
    public (Action Call, IDisposable Operands) Begin(string name, long footprint)
    {
        object[] arguments = [_device, _cases[name], footprint];
        var run = (IDisposable)_run.Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
        return (_call.CreateDelegate<Action>(run), run);
    }

    /// <summary>Closes the device.</summary>
    public void Dispose() => _device.Dispose();

    private static Type Find(Assembly assembly, string type) => assembly.GetType(type, throwOnError: true)!;

    private static object Invoke(Type type, string method, params object[] arguments)
    {
        var found = type.GetMethod(method, Type.GetTypeArray(arguments))
            ?? throw new MissingMethodException(type.FullName, method);
        return found.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null)!;
    }

    /// <summary>Loads MlffAd's and ILGPU's assemblies from the build's folder; shares the rest.</summary>
    private sealed class Context(string folder) : AssemblyLoadContext
    {
        protected override Assembly? Load(AssemblyName name) =>
            name.Name!.Split('.')[0] is "MlffAd" or "ILGPU"
                ? LoadFromAssemblyPath(Path.Combine(folder, $"{name.Name}.dll")) : null;
    }
}
