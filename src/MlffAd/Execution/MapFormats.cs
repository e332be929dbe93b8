namespace MlffAd.Execution;

/// <summary>Chooses the maps that are BF16 in memory on a device with BF16 products: those of backbone and
/// self-calibrated module. Inputs of levels, distances and scores, and maps fused with them, stay float32.</summary>
/// <remarks>BF16 needs a multiple of eight channels, also in the first result that is float32 again; a network with
/// other widths keeps all maps in float32.</remarks>
internal sealed class MapFormats(Config config, Device device)
{
    /// <summary>The prefixes of values that stay float32.</summary>
    private readonly string[] _exact = config.Texture.Enabled
        ? ["texture.", "fus", "score", "memory.", "sc.k4", "sc.bn4"] : ["fusion", "score", "memory."];

    private readonly Format _maps = config.Backbone.Width % 8 == 0 && (!config.Sc.Enabled || config.Sc.Width % 8 == 0)
        && (config.Texture.Enabled ? config.Texture.Width : config.Fusion.Width) % 8 == 0
        ? device.MapFormat
        : Format.Float32;

    /// <summary>The format of a value's numbers.</summary>
    public Format Of(Shape shape, string name) =>
        shape.C % 8 == 0 && !Array.Exists(_exact, prefix => name.StartsWith(prefix, StringComparison.Ordinal))
            ? _maps
            : Format.Float32;
}
