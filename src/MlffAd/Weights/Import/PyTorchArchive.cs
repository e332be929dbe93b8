using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;
using System.Security.Cryptography;

namespace MlffAd.Weights;

/// <summary>A <c>.pth</c> file of PyTorch: a zip archive (since 1.6) or the older row of pickles. Only a state
/// dictionary is read; nothing is executed.</summary>
/// <remarks>The dictionary may lie under <c>state_dict</c>, <c>model_state_dict</c> or <c>model</c>. Tensors may be
/// strided views. Sizes are checked against the file before anything is allocated; compressed entries, which PyTorch
/// never writes, are refused.</remarks>
public sealed class PyTorchArchive : ITensorSource
{
    /// <summary>Tensors of a state dictionary share storages now and then; many times the file's
    /// size is an attack.</summary>
    private const int LargestExpansion = 8;

    private readonly FileStream file;
    private readonly ZipArchive? zip;
    private readonly string folder = "";
    private readonly Dictionary<string, TorchGlobals.Storage> storages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> positions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TorchGlobals.View> views = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);

    private PyTorchArchive(string path, FileStream file)
    {
        (Source, this.file) = (path, file);
        object? root;
        if (file.ReadByte() == 'P' && file.ReadByte() == 'K')
        {
            file.Position = 0;
            zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            var description = zip.Entries.FirstOrDefault(entry => entry.FullName == "data.pkl"
                || entry.FullName.EndsWith("/data.pkl", StringComparison.Ordinal))
                ?? throw new FormatException("it is a zip archive without a data.pkl");
            folder = description.FullName[..^"data.pkl".Length];
            if (folder.Length > Pickle.LongestKey) throw new FormatException("its folder's name is too long");
            if (zip.GetEntry(folder + "byteorder") is { } order)
            {
                using var text = new StreamReader(OpenStored(order));
                if (text.Read() != 'l') throw new FormatException("its numbers are big-endian");
            }
            using var stream = new BufferedStream(OpenStored(description));
            root = Pickle.Load(stream, StorageOf);
        }
        else
        {
            file.Position = 0;
            root = LoadLegacy();
        }
        Describe(root);
    }

    /// <inheritdoc/>
    public string Source { get; }

    /// <summary>Empty: the format says nothing of its network.</summary>
    public IReadOnlyDictionary<string, string> Metadata =>
        System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>Opens and checks the file; dispose to close it.</summary>
    /// <exception cref="MlffAdException">The file cannot be read, is damaged, or holds more than a
    /// state dictionary.</exception>
    public static PyTorchArchive Open(string path)
    {
        FileStream? file = null;
        try
        {
            InputFile.Require(path);
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return new PyTorchArchive(path, file);
        }
        catch (Exception e) when (IsFault(e))
        {
            file?.Dispose();
            throw Bad(path, e);
        }
    }

    /// <inheritdoc/>
    public float[] ReadFloats(string name)
    {
        if (!views.TryGetValue(name, out var view))
            throw new MlffAdException(ExitCode.BadModel, $"'{Source}' has no tensor '{name}'.");
        try { return Read(view, checked((int)tensors[name].Count)); }
        catch (Exception e) when (IsFault(e)) { throw Bad(Source, e); }
    }

    /// <inheritdoc/>
    public string Hash()
    {
        file.Position = 0;
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        zip?.Dispose();
        file.Dispose();
    }

    private static bool IsFault(Exception e) =>
        e is FormatException or IOException or InvalidDataException or UnauthorizedAccessException or OverflowException
            or NotSupportedException or ArgumentException;

    private static MlffAdException Bad(string path, Exception e) =>
        new(ExitCode.BadModel,
            $"'{path}' is not a usable PyTorch file: "
                + $"{(e is EndOfStreamException ? "it ends early" : e.Message.TrimEnd('.'))}.", e);

    /// <summary>Magic number, protocol, system, description, list of storages; then each storage's
    /// count and numbers.</summary>
    private object? LoadLegacy()
    {
        if (Pickle.Load(file, StorageOf) is not BigInteger magic
            || magic != (((BigInteger)0x1950) << 64) + 0xa86a20f9469cfc6c)
            throw new FormatException("it is neither a zip archive nor starts with PyTorch's number");
        if (Pickle.Load(file, StorageOf) is not 1001L) throw new FormatException("it has another protocol than 1001");
        if (Pickle.Load(file, StorageOf) is not Pickle.Map system
            || system.GetValueOrDefault("little_endian") is not true)
            throw new FormatException("its numbers are not little-endian");
        object? root = Pickle.Load(file, StorageOf);
        if (Pickle.Load(file, StorageOf) is not List<object?> keys)
            throw new FormatException("it has no list of storages");
        Span<byte> count = stackalloc byte[8];
        foreach (object? item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out var storage))
                throw new FormatException("it lists a storage that no tensor has");
            file.ReadExactly(count);
            if (BinaryPrimitives.ReadInt64LittleEndian(count) != storage.Count)
                throw new FormatException($"its storage '{key}' has another size than its tensors say");
            long bytes = checked(storage.Count * storage.DType.Size());
            if (bytes > file.Length - file.Position || !positions.TryAdd(key, file.Position))
                throw new FormatException($"its storage '{key}' ends after the file, or comes twice");
            file.Position += bytes;
        }
        return root;
    }

    private TorchGlobals.Storage StorageOf(object? identifier)
    {
        var storage = TorchGlobals.FindStorage(identifier);
        if (storages.TryGetValue(storage.Key, out var known) && known != storage)
            throw new FormatException($"its storage '{storage.Key}' has two sizes");
        return storages[storage.Key] = storage;
    }

    private void Describe(object? root)
    {
        if (root is not Pickle.Map map) throw new FormatException("it holds no dictionary of tensors");
        string? nested =
            Array.Find(["state_dict", "model_state_dict", "model"], key => map.GetValueOrDefault(key) is Pickle.Map);
        if (nested is not null) map = (Pickle.Map)map[nested]!;
        long total = 0;
        foreach (var (name, value) in map)
        {
            if (value is not TorchGlobals.View view) continue;
            CheckStorage(view.Storage);
            long count = view.Shape.Aggregate(1L, (product, extent) => product * extent);
            total = checked(total + count * sizeof(float));
            if (total > LargestExpansion * file.Length)
                throw new FormatException($"its tensors would have over {LargestExpansion} times the file's size");
            views.Add(name, view);
            TensorInfo.RequireCount(views.Count);
            int size = view.Storage.DType.Size();
            tensors.Add(name, new TensorInfo(name, view.Storage.DType, view.Shape, view.Offset * size, count * size));
        }
        if (tensors.Count == 0) throw new FormatException("its dictionary holds no tensors");
    }

    private void CheckStorage(TorchGlobals.Storage storage)
    {
        if (zip is null)
        {
            if (!positions.ContainsKey(storage.Key))
                throw new FormatException($"its storage '{storage.Key}' is missing");
            return;
        }
        if (EntryOf(storage).Length != checked(storage.Count * storage.DType.Size()))
            throw new FormatException($"its storage '{storage.Key}' has another size than its tensors say");
    }

    private ZipArchiveEntry EntryOf(TorchGlobals.Storage storage) =>
        zip!.GetEntry($"{folder}data/{storage.Key}")
            ?? throw new FormatException($"its storage '{storage.Key}' is missing");

    private Stream OpenStored(ZipArchiveEntry entry)
    {
        if (entry.Length != entry.CompressedLength || entry.Length > file.Length)
            throw new FormatException($"its entry '{entry.FullName}' is compressed, which PyTorch never does");
        return entry.Open();
    }

    private float[] Read(TorchGlobals.View view, int count)
    {
        if (count == 0) return [];
        var (storage, offset, shape, strides) = view;
        long last = offset;
        for (int k = 0; k < shape.Length; k++) last += (shape[k] - 1) * strides[k];
        // The stretch of the storage from the view's first number to its last; all of it belongs to the
        // view unless it is strided.
        float[] stretch = ReadStretch(storage, offset, checked((int)(last - offset + 1)));
        if (IsContiguous(shape, strides)) return stretch;
        var values = new float[count];
        var index = new int[shape.Length];
        long at = 0;
        for (int i = 0; i < count; i++)
        {
            values[i] = stretch[at];
            for (int k = shape.Length - 1; k >= 0; k--)
            {
                at += strides[k];
                if (++index[k] < shape[k]) break;
                at -= index[k] * strides[k];
                index[k] = 0;
            }
        }
        return values;
    }

    private static bool IsContiguous(int[] shape, long[] strides)
    {
        long due = 1;
        for (int k = shape.Length - 1; k >= 0; due *= shape[k--])
            if (shape[k] != 1 && strides[k] != due) return false;
        return true;
    }

    private float[] ReadStretch(TorchGlobals.Storage storage, long first, int count)
    {
        int size = storage.DType.Size();
        byte[] bytes = new byte[checked(count * size)];
        if (zip is null)
        {
            file.Position = positions[storage.Key] + first * size;
            file.ReadExactly(bytes);
        }
        else
        {
            using var stream = OpenStored(EntryOf(storage));
            Skip(stream, first * size);
            stream.ReadExactly(bytes);
        }
        var values = new float[count];
        storage.DType.ToFloats(bytes, values);
        return values;
    }

    private static void Skip(Stream stream, long bytes)
    {
        Span<byte> sink = stackalloc byte[4096];
        for (; bytes > 0; bytes -= Math.Min(bytes, sink.Length))
            stream.ReadExactly(sink[..(int)Math.Min(bytes, sink.Length)]);
    }
}
