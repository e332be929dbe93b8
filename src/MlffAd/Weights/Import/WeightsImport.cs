namespace MlffAd.Weights;

/// <summary>Turns a file of somebody's ResNet into a weights file: finds the backbone's tensors by name, folds
/// convolution biases, records what the network is fed, and says what it used, left and missed.</summary>
public sealed class WeightsImport : IDisposable
{
    private const string Anchor = "layer1.0.conv1.weight";

    private readonly ITensorSource source;
    private readonly string prefix;
    private readonly ConvBn[] convolutions;
    private readonly SortedDictionary<string, string> metadata;
    private readonly List<string> used = [], missing = [], notes = [];

    private WeightsImport(ITensorSource source, IReadOnlyDictionary<string, string> overrides, string? asked)
    {
        this.source = source;
        prefix = FindPrefix(asked);
        var named = source.Tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(t => t.Key[prefix.Length..], t => t.Value);
        var (stages, width) = BackboneLayout.Measure(named);
        convolutions = BackboneLayout.Convolutions(stages, width).ToArray();
        foreach (var (name, shape) in convolutions.SelectMany(conv => conv.Tensors))
        {
            if (!named.TryGetValue(name, out var tensor)) missing.Add(prefix + name);
            else if (!tensor.Shape.AsSpan().SequenceEqual(shape))
                throw new MlffAdException(ExitCode.BadModel,
                    $"'{source.Source}' is not a ResNet with plain bottlenecks: '{prefix}{name}' is "
                        + $"{tensor.ShapeText} where [{string.Join(',', shape)}] belongs.");
            else used.Add(prefix + name);
        }
        string[] biases = [.. convolutions.Select(conv => conv.Conv + ".bias").Where(named.ContainsKey)];
        foreach (string bias in biases)
        {
            int channels = convolutions.First(conv => conv.Conv + ".bias" == bias).Shape[0];
            if (named[bias].Shape is not [var count] || count != channels)
                throw new MlffAdException(ExitCode.BadModel,
                    $"'{source.Source}': '{prefix}{bias}' is {named[bias].ShapeText} where [{channels}] belongs.");
            used.Add(prefix + bias);
        }
        if (biases.Length > 0)
            notes.Add(
                $"{biases.Length} convolution biases are folded into the running means of the batch normalisation "
                    + $"that follows.");
        Unused = [.. source.Tensors.Keys.Except(used)];
        metadata = new(source.Metadata.ToDictionary(), StringComparer.Ordinal);
        Complete(overrides);
        Parsed = WeightsMetadata.Parse(metadata, source.Source);
    }

    /// <summary>Tensors that the backbone takes, by the source's names.</summary>
    public IReadOnlyList<string> Used => used;

    /// <summary>Tensors of the source that the backbone has no place for.</summary>
    public IReadOnlyList<string> Unused { get; }

    /// <summary>Tensors that the backbone needs and the source has not.</summary>
    public IReadOnlyList<string> Missing => missing;

    /// <summary>Sentences on what was folded or assumed.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>The strings that the weights file gets.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>The same, understood.</summary>
    public WeightsMetadata Parsed { get; }

    /// <summary>Opens a source: safetensors, a PyTorch file, or a TensorFlow.js <c>model.json</c>, told apart by
    /// their first bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">Metadata that replaces or completes what the source says.</param>
    /// <param name="prefix">What the names of the wanted network's tensors begin with, where there are several; its
    /// last point may be left out.</param>
    /// <exception cref="MlffAdException">It is none of them, is damaged, or holds another network (exit code 4); it
    /// holds several networks, or none of that prefix (2).</exception>
    public static WeightsImport Open(string path, IReadOnlyDictionary<string, string>? overrides = null,
        string? prefix = null)
    {
        var source = OpenSource(path);
        try { return new WeightsImport(source, overrides ?? new Dictionary<string, string>(), prefix); }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file of tensors, whichever of the three formats it has.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static ITensorSource OpenSource(string path)
    {
        Span<byte> start = stackalloc byte[8];
        try
        {
            InputFile.Require(path);
            using var file = File.OpenRead(path);
            start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            throw new MlffAdException(ExitCode.BadModel, $"'{path}' cannot be read ({e.Message.TrimEnd('.')}).", e);
        }
        return start switch
        {
            // Zip's signature, or a pickle (any protocol) of PyTorch's ten-byte number.
            [(byte)'P', (byte)'K', 3, 4, ..] or [0x80, _, 0x8a, 10, ..] => PyTorchArchive.Open(path),
            // A safetensors file starts with eight bytes of length; the upper four are zero.
            [(byte)'{', .. var rest] when rest.IndexOf((byte)0) < 0 => TensorFlowJs.Open(path),
            _ => SafetensorsFile.Open(path),
        };
    }

    /// <summary>Writes the weights file.</summary>
    /// <param name="path">The file to write.</param>
    /// <param name="half">Convolutions as float16, half the size; batch normalisation stays float32, because running
    /// variances exceed float16's range.</param>
    /// <exception cref="MlffAdException">Tensors are missing, a number is not finite (exit code 4), or the file cannot
    /// be written (7).</exception>
    public void Write(string path, bool half)
    {
        if (Missing.Count > 0)
            throw new MlffAdException(ExitCode.BadModel,
                $"'{source.Source}' lacks {Missing.Count} of the backbone's tensors, the first '{Missing[0]}'; "
                    + $"nothing was written.");
        var written = new SortedDictionary<string, string>(metadata, StringComparer.Ordinal)
        {
            ["format"] = "mlffad-weights/1",
            ["precision"] = half ? "convolutions float16, batch normalisation float32" : "float32",
            [WeightsMetadata.OriginHashKey] = source.Hash(),
        };
        Safetensors.Write(path,
            convolutions.SelectMany(conv =>
                conv.Tensors.Select((tensor, i) => TensorData.Floats(tensor.Name, tensor.Shape,
                    () => Values(conv, tensor.Name), half && i == 0 ? DType.F16 : DType.F32))), written);
    }

    /// <summary>Closes the source.</summary>
    public void Dispose() => source.Dispose();

    /// <summary>What stands before the names of a network, such as <c>module.</c> or <c>encoder.</c>: there is one
    /// wherever a name ends as the first block's does.</summary>
    private string FindPrefix(string? asked)
    {
        const int named = 4;
        string[] found = [.. source.Tensors.Keys.Where(name => name.EndsWith(Anchor, StringComparison.Ordinal))
            .Select(name => name[..^Anchor.Length]).Order(StringComparer.Ordinal)];
        if (asked is null && found.Length < 2) return found.FirstOrDefault("");
        if (found.FirstOrDefault(prefix => prefix == asked) is { } exact) return exact;
        if (found.FirstOrDefault(prefix => prefix == asked + ".") is { } meant) return meant;
        string names = string.Join(" or ", found.Take(named).Select(prefix => $"'{Shown.Text(prefix)}'"));
        throw new MlffAdException(ExitCode.Usage, found.Length == 0
            ? $"'{source.Source}' has no tensor whose name ends in '{Anchor}'; leave out --prefix '{asked}'."
            : $"'{source.Source}' holds {found.Length} network{(found.Length > 1 ? "s" : "")}, with names that begin "
                + $"with {names}{(found.Length > named ? " and so on" : "")}; say which is wanted: "
                + $"--prefix '{Shown.Text(found[0])}'.");
    }

    /// <summary>A tensor's numbers; with a convolution's bias b, BN((x + b) − mean) is BN(x − (mean − b)).</summary>
    private float[] Values(ConvBn conv, string name)
    {
        float[] values = source.ReadFloats(prefix + name);
        string bias = $"{prefix}{conv.Conv}.bias";
        if (name == $"{conv.Bn}.running_mean" && source.Tensors.ContainsKey(bias))
        {
            float[] biases = source.ReadFloats(bias);
            for (int c = 0; c < values.Length; c++) values[c] -= biases[c];
        }
        if (Array.Exists(values, value => !float.IsFinite(value)))
            throw new MlffAdException(ExitCode.BadModel,
                $"'{source.Source}': '{prefix}{name}' holds numbers that are not finite; the file is damaged.");
        return values;
    }

    /// <summary>What neither the source nor the user says is torchvision's, and said.</summary>
    private void Complete(IReadOnlyDictionary<string, string> overrides)
    {
        foreach (var (key, value) in overrides) metadata[key] = value;
        static string Json(float[] three) =>
            $"[{string.Join(',', three.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]";
        var usual = Preprocessing.ImageNet;
        Assume(WeightsMetadata.StrideKey, "3x3");
        Assume(WeightsMetadata.BnEpsKey, "1e-05");
        Assume(WeightsMetadata.OrderKey, usual.Order);
        Assume(WeightsMetadata.ScaleKey, usual.Scale.ToString(CultureInfo.InvariantCulture));
        Assume(WeightsMetadata.MeanKey, Json(usual.Mean));
        Assume(WeightsMetadata.StdKey, Json(usual.Std));
        metadata.TryAdd(WeightsMetadata.OriginKey, Path.GetFileName(source.Source));
        if (metadata.TryAdd(WeightsMetadata.LicenceKey, "not recorded"))
            notes.Add("The source names no licence; --metadata licence=... records one.");
    }

    private void Assume(string key, string value)
    {
        if (metadata.TryAdd(key, value))
            notes.Add(
                $"The source does not say its {key}; {value}, as torchvision's networks have it, is assumed "
                    + $"(--metadata {key}=... says otherwise).");
    }
}
