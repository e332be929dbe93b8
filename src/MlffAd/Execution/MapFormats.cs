namespace MlffAd.Execution;

/// <summary>Which of the network's maps are BF16 in memory on a device that multiplies in it: those of backbone and
/// self-calibrated module. What levels, distances and scores are made of, and what is fused with it,
/// stays float32.</summary>
/// <remarks>BF16 wants channels in eights, also of the first result that is float32 again; a network that has others
/// keeps all its maps in float32.</remarks>
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
