using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MlffAd.Weights;

/// <summary>A TensorFlow.js layers model (<c>model.json</c> and its shards) of keras.applications' ResNet, seen under
/// torchvision's names and shapes.</summary>
/// <remarks>Stride placement and ε are read from the topology. What the network is fed the file does not say:
/// keras.applications feeds these networks B, G, R in 0…255 minus ImageNet's means.</remarks>
public sealed partial class TensorFlowJs : ITensorSource
{
    private const long LongestTopology = 1 << 26;

    private readonly List<(FileStream File, long Begin)> shards = [];
    private readonly OrderedDictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal)
    {
        [WeightsMetadata.OrderKey] = "BGR",
        [WeightsMetadata.ScaleKey] = "1",
        [WeightsMetadata.MeanKey] = "[103.939,116.779,123.68]",
        [WeightsMetadata.StdKey] = "[1,1,1]",
    };

    private TensorFlowJs(string path) => Source = path;

    /// <inheritdoc/>
    public string Source { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>The tensors; those of the backbone by torchvision's names, the rest by their own.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>Opens the model and checks its shards; dispose to close them.</summary>
    /// <param name="path">The <c>model.json</c>; the shards lie beside it.</param>
    /// <exception cref="MlffAdException">A file is missing or damaged, quantised, or no layers model
    /// of a ResNet.</exception>
    public static TensorFlowJs Open(string path)
    {
        var model = new TensorFlowJs(path);
        try
        {
            InputFile.Require(path);
            if (new FileInfo(path).Length > LongestTopology)
                throw new FormatException($"it has over {LongestTopology} bytes");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path),
                new JsonDocumentOptions { AllowDuplicateProperties = false });
            model.ReadManifest(document.RootElement, Path.GetDirectoryName(Path.GetFullPath(path))!);
            model.ReadTopology(document.RootElement);
            return model;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException
            or KeyNotFoundException or OverflowException
            or IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            model.Dispose();
            throw new MlffAdException(ExitCode.BadModel,
                $"'{path}' is not a usable TensorFlow.js layers model: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <inheritdoc/>
    public float[] ReadFloats(string name)
    {
        if (!tensors.TryGetValue(name, out var tensor))
            throw new MlffAdException(ExitCode.BadModel, $"'{Source}' has no tensor '{name}'.");
        byte[] bytes = new byte[tensor.Length];
        try
        {
            for (int done = 0; done < bytes.Length;)
            {
                var (file, begin) = shards.FindLast(shard => shard.Begin <= tensor.Begin + done);
                int read = RandomAccess.Read(file.SafeFileHandle, bytes.AsSpan(done), tensor.Begin + done - begin);
                if (read == 0) throw new EndOfStreamException($"'{file.Name}' became shorter while it was read");
                done += read;
            }
        }
        catch (IOException e)
        {
            throw new MlffAdException(ExitCode.BadModel,
            $"'{Source}' cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
        if (tensor.Count == 0) return [];
        var values = new float[tensor.Count];
        tensor.DType.ToFloats(bytes, values);
        return tensor.Shape is [var outputs, var inputs, var height, var width]
            ? FromKeras(values, outputs, inputs, height * width)
            : values;
    }

    /// <summary>SHA-256 of the shards, one after another.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[1 << 16];
        foreach (var (file, _) in shards)
        {
            file.Position = 0;
            for (int read; (read = file.Read(chunk)) > 0;) hash.AppendData(chunk, 0, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Closes the shards.</summary>
    public void Dispose()
    {
        foreach (var (file, _) in shards) file.Dispose();
    }

    /// <summary><c>[KH·KW, Cin, Cout]</c> to <c>[Cout, Cin, KH·KW]</c>.</summary>
    private static float[] FromKeras(float[] values, int outputs, int inputs, int area)
    {
        var result = new float[values.Length];
        for (int a = 0, i = 0; a < area; a++)
            for (int c = 0; c < inputs; c++)
                for (int o = 0; o < outputs; o++)
                    result[(o * inputs + c) * area + a] = values[i++];
        return result;
    }

    /// <summary>The shards joined in order hold the weights in order, without gaps.</summary>
    private void ReadManifest(JsonElement root, string folder)
    {
        long position = 0, end = 0;
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var group in root.GetProperty("weightsManifest").EnumerateArray())
        {
            foreach (var item in group.GetProperty("paths").EnumerateArray())
            {
                string name = item.GetString() ?? "", shard = FindShard(folder, name);
                if (!taken.Add(shard)) throw new FormatException($"its shard '{Shown.Text(name)}' comes twice");
                // An empty one is skipped before it is opened: it may be a pipe, which would be waited for.
                if (new FileInfo(shard).Length == 0) continue;
                var file = new FileStream(shard, FileMode.Open, FileAccess.Read, FileShare.Read);
                shards.Add((file, end));
                end += file.Length;
            }
            foreach (var item in group.GetProperty("weights").EnumerateArray()) position = ReadTensor(item, position);
            if (position != end) throw new FormatException($"its weights need {position} bytes, its shards hold {end}");
        }
    }

    /// <summary>The file that a name means, links followed: one of the model's own folder.</summary>
    private static string FindShard(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        if (name.Length > 0 && Path.GetFileName(name) == name
            && (File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path) is var shard
            && Path.GetDirectoryName(shard) == folder) return shard;
        throw new FormatException($"its shard '{Shown.Text(name)}' does not lie beside it");
    }

    private long ReadTensor(JsonElement json, long position)
    {
        string name = json.GetProperty("name").GetString() ?? "", dtype = json.GetProperty("dtype").GetString() ?? "";
        TensorInfo.RequireDimensions(json.GetProperty("shape").GetArrayLength(), $"'{Shown.Text(name)}'");
        TensorInfo.RequireCount(tensors.Count + 1);
        if (json.TryGetProperty("quantization", out _))
            throw new FormatException($"'{name}' is quantised; convert the model again without quantisation");
        var type = dtype switch
        {
            "float32" => DType.F32,
            "int32" => DType.I32,
            "bool" or "uint8" => DType.U8,
            _ => throw new FormatException($"'{name}' is of the type '{dtype}', not float32"),
        };
        int[] shape = json.GetProperty("shape").EnumerateArray().Select(extent => extent.GetInt32()).ToArray();
        if (shape.Any(extent => extent < 0)) throw new FormatException($"'{name}' has a negative extent");
        long length = shape.Aggregate((long)type.Size(), (product, extent) => checked(product * extent));
        if (shape is [var height, var width, var inputs, var outputs]) shape = [outputs, inputs, height, width];
        string known = TorchvisionName(name) ?? name;
        if (length > Array.MaxLength || !tensors.TryAdd(known, new TensorInfo(known, type, shape, position, length)))
            throw new FormatException($"'{name}' is too large or comes twice");
        return checked(position + length);
    }

    private void ReadTopology(JsonElement root)
    {
        if (!root.TryGetProperty("modelTopology", out var topology)
            || !topology.TryGetProperty("model_config", out var model))
            throw new FormatException("it has no layers (a graph model?); convert the Keras model itself");
        var strides = new List<string>();
        var epsilons = new HashSet<double>();
        foreach (var layer in model.GetProperty("config").GetProperty("layers").EnumerateArray())
        {
            var config = layer.GetProperty("config");
            // Stages 2 and 3 are layers res3… and res4…; a first 1×1 with a stride is v1, a 3×3 with one v1.5.
            if (Layer().Match(config.GetProperty("name").GetString() ?? "") is not { Success: true } name
                || name.Groups["stage"].Value is not ("" or "2" or "3" or "4")) continue;
            if (config.TryGetProperty("epsilon", out var epsilon)) epsilons.Add(epsilon.GetDouble());
            if (name.Groups["kind"].Value == "res" && name.Groups["stage"].Value is "3" or "4"
                && name.Groups["branch"].Value is "2a" or "2b"
                && config.GetProperty("strides").EnumerateArray().Select(s => s.GetInt32()).FirstOrDefault() == 2)
                strides.Add(name.Groups["branch"].Value == "2a" ? "1x1" : "3x3");
        }
        if (strides is not [var second, var third] || second != third || epsilons.Count != 1)
            throw new FormatException(
                "its layers are not those of a ResNet of keras.applications, with one epsilon and one place for "
                    + "the stride");
        metadata[WeightsMetadata.StrideKey] = second;
        metadata[WeightsMetadata.BnEpsKey] = epsilons.Single().ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The torchvision name of a weight such as <c>res3a_branch2b/kernel</c>, or null where
    /// there is none.</summary>
    internal static string? TorchvisionName(string keras)
    {
        if (keras.Split('/') is not [var layer, var part] || Layer().Match(layer) is not { Success: true } name)
            return null;
        bool conv = name.Groups["kind"].Value is "conv" or "res";
        string? suffix = (conv, part) switch
        {
            (true, "kernel") => "weight",
            (_, "bias") => "bias",
            (false, "gamma") => "weight",
            (false, "beta") => "bias",
            (false, "moving_mean") => "running_mean",
            (false, "moving_variance") => "running_var",
            _ => null,
        };
        if (suffix is null) return null;
        if (name.Groups["stage"].Value.Length == 0) return $"{(conv ? "conv1" : "bn1")}.{suffix}";
        string block = $"layer{name.Groups["stage"].Value[0] - '1'}.{name.Groups["block"].Value[0] - 'a'}";
        return name.Groups["branch"].Value is ['2', var letter]
            ? $"{block}.{(conv ? "conv" : "bn")}{letter - 'a' + 1}.{suffix}"
            : $"{block}.downsample.{(conv ? 0 : 1)}.{suffix}";
    }

    [GeneratedRegex(
        "^(?:(?<kind>conv|bn_conv)1|(?<kind>res|bn)(?<stage>[2-5])(?<block>[a-z])_branch(?<branch>1|2[abc]))$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Layer();
}
