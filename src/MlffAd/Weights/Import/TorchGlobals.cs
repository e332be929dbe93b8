namespace MlffAd.Weights;

/// <summary>The only names a PyTorch file may call on, and what each makes of its arguments. No code of the file's or
/// of Python's runs.</summary>
internal static class TorchGlobals
{
    /// <summary>A flat array of numbers that tensors are views of.</summary>
    /// <param name="Key">Its name in the archive.</param>
    /// <param name="DType">Number format.</param>
    /// <param name="Count">Numbers.</param>
    public sealed record Storage(string Key, DType DType, long Count);

    /// <summary>A view of a storage: element (i₀, i₁, …) is number <c>Offset + Σ iₖ·Strides[k]</c>.</summary>
    /// <param name="Storage">Where its numbers are.</param>
    /// <param name="Offset">Number of the first element.</param>
    /// <param name="Shape">Extents.</param>
    /// <param name="Strides">Numbers from one index to the next.</param>
    public sealed record View(Storage Storage, long Offset, int[] Shape, long[] Strides);

    /// <summary>A name that may be called.</summary>
    public sealed record Callable(string Name, Func<object?[], object?> Body)
    {
        public object? Invoke(object?[] arguments) =>
            Body(arguments) ?? throw new FormatException($"it calls {Name} with the wrong arguments");
    }

    /// <summary>A kind of storage.</summary>
    public sealed record StorageKind(DType DType);

    private static readonly Dictionary<string, object> Allowed = new object[]
    {
        new Callable("collections.OrderedDict", OrderedDict),
        new Callable("torch._utils._rebuild_tensor", Rebuild),
        new Callable("torch._utils._rebuild_tensor_v2", Rebuild),
        new Callable("torch._utils._rebuild_parameter", First),
        new Callable("torch.nn.parameter.Parameter", First),
    }.ToDictionary(callable => ((Callable)callable).Name, StringComparer.Ordinal);

    static TorchGlobals()
    {
        foreach (var (name, dtype) in new[]
        {
            ("Float", DType.F32), ("Double", DType.F64), ("Half", DType.F16), ("BFloat16", DType.BF16),
                ("Long", DType.I64), ("Int", DType.I32),
            ("Short", DType.I16), ("Char", DType.I8), ("Byte", DType.U8), ("Bool", DType.BOOL),
        })
            Allowed.Add($"torch.{name}Storage", new StorageKind(dtype));
    }

    /// <summary>What a global stands for.</summary>
    /// <exception cref="FormatException">It is not on the list.</exception>
    public static object Find(string module, string name) => Allowed.TryGetValue($"{module}.{name}", out object? found)
        ? found
        : throw new FormatException(
            $"it asks for '{module}.{name}', which is not needed to describe tensors, so that nothing in it was run; "
                + $"save the model's state_dict() alone");

    /// <summary>The storage that a persistent identifier names: <c>("storage", kind, key, device, count)</c>, and in
    /// old files a sixth, a view.</summary>
    /// <exception cref="FormatException">It names none.</exception>
    public static Storage FindStorage(object? identifier) => identifier switch
    {
        object?[] and (["storage", StorageKind, string { Length: > Pickle.LongestKey }, ..]) =>
            throw new FormatException($"it has a storage whose name has more than {Pickle.LongestKey} letters"),
        object?[]
            and ["storage", StorageKind kind, string key, string, long count] when count >= 0 =>
            new Storage(key, kind.DType, count),
        object?[]
            and ["storage", StorageKind kind, string key, string, long count, null] when count >= 0 =>
            new Storage(key, kind.DType, count),
        _ => throw new FormatException("it refers to something that is no storage of numbers"),
    };

    /// <summary>No arguments, or (Python 2) one list of pairs.</summary>
    private static Pickle.Map? OrderedDict(object?[] arguments)
    {
        var map = new Pickle.Map();
        if (arguments is []) return map;
        if (arguments is not [List<object?> pairs]) return null;
        foreach (object? pair in pairs)
        {
            if (pair is List<object?> list and [_, _]) map.Set(list[0], list[1]);
            else if (pair is object?[] tuple and [_, _]) map.Set(tuple[0], tuple[1]);
            else return null;
        }
        return map;
    }

    /// <summary>A parameter is its tensor.</summary>
    private static View? First(object?[] arguments) => arguments is [View view, ..] ? view : null;

    /// <summary>(storage, offset, size, stride, …): checked to lie within its storage and not to repeat it.</summary>
    private static View? Rebuild(object?[] arguments)
    {
        if (arguments is not [Storage storage, long offset, object?[] size, object?[] stride, ..]
            || size.Length != stride.Length || offset < 0) return null;
        TensorInfo.RequireDimensions(size.Length, "a tensor");
        var shape = new int[size.Length];
        var strides = new long[size.Length];
        Int128 count = 1, last = offset;
        for (int k = 0; k < size.Length; k++)
        {
            if (size[k] is not (long and >= 0 and <= int.MaxValue)
                || stride[k] is not (long and >= 0 and <= long.MaxValue)) return null;
            (shape[k], strides[k]) = ((int)(long)size[k]!, (long)stride[k]!);
            // Beyond a storage's largest count the exact product is of no interest, and no chain
            // of extents can overflow.
            count = Int128.Min(count * shape[k], long.MaxValue);
            last = Int128.Min(last + Int128.Max(0, shape[k] - 1) * strides[k], long.MaxValue);
        }
        if (count > 0 && last >= storage.Count)
            throw new FormatException(
                $"it has a tensor [{string.Join(',', shape)}] that reaches beyond its storage '{storage.Key}' of "
                    + $"{storage.Count}");
        if (count > storage.Count)
            throw new FormatException(
                $"it has a tensor [{string.Join(',', shape)}] with more numbers than its storage '{storage.Key}' of "
                    + $"{storage.Count}");
        return new View(storage, offset, shape, strides);
    }
}
