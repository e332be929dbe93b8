using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using ILGPU;

namespace MlffAd.Tests.Ptx;

/// <summary>A kernel did what no card forgives, or would forgive only today.</summary>
internal sealed class PtxFault(string message) : Exception(message);

/// <summary>Runs PTX on the processor, thread by thread, groups in an order of chance, as many at a time as there are
/// processors, and stops at what would go wrong on a card, or could: accesses outside of the views that the kernel was
/// given, or that are not aligned; shared memory that was never written, or that two threads use, one of them writing,
/// without a barrier between; asynchronous copies that nobody waited for; barriers that some threads do not reach;
/// instructions of a whole warp that a part of it does not.</summary>
internal sealed class PtxMachine : IPtxMachine
{
    /// <summary>Told of every access to memory, if there is one; it takes its time.</summary>
    public PtxMeter? Meter { get; set; }

    public Action<Index3D, object> Load(CompiledKernel kernel)
    {
        var program = new PtxProgram(kernel.Ptx!);
        return (groups, args) =>
        {
            var (parameters, views) = PtxArguments.Of(args);
            int[] order = [.. Enumerable.Range(0, groups.Size)];
            new Random(1).Shuffle(order);
            int next = -1;
            void Work()
            {
                using var run = new PtxGroup($"{kernel.Name}: {kernel.Body}", program, parameters, views, kernel.Group,
                    groups, Meter);
                for (int i; (i = Interlocked.Increment(ref next)) < order.Length;)
                    run.Run(order[i] % groups.X, order[i] / groups.X % groups.Y, order[i] / groups.X / groups.Y);
            }
            try { Parallel.Invoke([.. Enumerable.Repeat(Work, Math.Min(Environment.ProcessorCount, order.Length))]); }
            catch (AggregateException e) { ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); }
        };
    }

    /// <summary>Opens a device whose kernels it runs.</summary>
    /// <param name="id"><c>ptx:80</c>, <c>ptx:90-bf16</c> …</param>
    public static Device Open(string id)
    {
        string[] parts = id["ptx:".Length..].Split('-');
        var device = Device.OpenCompiler(int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture),
            parts.Length == 1 ? Precision.Float32 : Enum.Parse<Precision>(parts[1], ignoreCase: true));
        ((GpuDevice)device).Machine = new PtxMachine();
        return device;
    }
}

/// <summary>What a kernel is given, as it lies in a card's parameter memory, and the memory that it may use.</summary>
internal static class PtxArguments
{
    private const int ViewBytes = 16;

    public static (byte[] Parameters, List<(ulong Begin, ulong End)> Views) Of(object args)
    {
        var bytes = new byte[4096];
        var views = new List<(ulong, ulong)>();
        int end = Write(args, 0, bytes, views);
        return (bytes[..end], views);
    }

    /// <summary>Fields one after the other, each aligned to its size, a view as an address and a length.</summary>
    private static int Write(object value, int at, byte[] to, List<(ulong, ulong)> views)
    {
        switch (value)
        {
            case int v: return Put(BitConverter.GetBytes(v));
            case float v: return Put(BitConverter.GetBytes(v));
            case long v: return Put(BitConverter.GetBytes(v));
            case double v: return Put(BitConverter.GetBytes(v));
            case Enum v: return Put(BitConverter.GetBytes(Convert.ToInt32(v, null)));
        }
        var type = value.GetType();
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>))
        {
            var (address, length, size) = ((ulong, long,
                int))typeof(PtxArguments).GetMethod(nameof(View))!.MakeGenericMethod(type.GetGenericArguments())
                .Invoke(null, [value])!;
            views.Add((address, address + (ulong)(length * size)));
            at = Up(at, sizeof(ulong));
            BitConverter.TryWriteBytes(to.AsSpan(at), address);
            BitConverter.TryWriteBytes(to.AsSpan(at + sizeof(ulong)), length);
            return at + ViewBytes;
        }
        if (type.IsPrimitive) throw new NotSupportedException($"{type}");
        int align = Alignment(type);
        at = Up(at, align);
        foreach (var field in type.GetFields(
            System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public
                | System.Reflection.BindingFlags.NonPublic)) at = Write(field.GetValue(value)!, at, to, views);
        return Up(at, align);

        int Put(byte[] bytes)
        {
            at = Up(at, bytes.Length);
            bytes.CopyTo(to, at);
            return at + bytes.Length;
        }
    }

    public static unsafe (ulong Address, long Length, int Size) View<T>(ArrayView<T> view) where T : unmanaged =>
        view.IsValid && view.Length > 0 ? ((ulong)Unsafe.AsPointer(ref view[0]), view.Length, sizeof(T)) : default;

    private static int Alignment(Type type) => type.IsEnum ? sizeof(int)
        : type == typeof(long) || type == typeof(double)
        || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>)) ? sizeof(long)
        : type.IsPrimitive ? sizeof(int)
        : type.GetFields(
            System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public
                | System.Reflection.BindingFlags.NonPublic).Select(f => Alignment(f.FieldType)).DefaultIfEmpty(1).Max();

    private static int Up(int at, int align) => (at + align - 1) / align * align;
}
