using System.Text.Json.Serialization;

namespace MlffAd.Models;

/// <summary>Numbers that a memory may have, and how well a small memory with them tells good images from pseudo
/// anomalies on them (spec §14).</summary>
/// <param name="Mean"><c>memory.mean</c>.</param>
/// <param name="Place"><c>memory.place</c>.</param>
/// <param name="Scaling"><c>memory.scaling</c>.</param>
/// <param name="Smooth"><c>memory.smooth</c>.</param>
/// <param name="Readout"><c>memory.readout</c>.</param>
/// <param name="Image">AUROC of images.</param>
/// <param name="Area">AUROC of cells.</param>
/// <param name="Anomaly">AUROC of cells, those of each anomaly counting as much as those of any other.</param>
public sealed record MemoryCandidate(bool Mean, double Place,
    [property: JsonConverter(typeof(JsonStringEnumConverter<Scaling>))] Scaling Scaling, double Smooth, int Readout,
    double Image, double Area, double Anomaly)
{
    /// <summary>The numbers in words.</summary>
    internal string Numbers => string.Create(CultureInfo.InvariantCulture,
        $"{(Mean ? "mean of 3 × 3" : "no mean")}, place {Place}, scaling {Scaling.ToString().ToLowerInvariant()}, "
        + $"smooth {Smooth}, readout {Readout}");

    /// <summary>The figures in words.</summary>
    internal string Figures => string.Create(CultureInfo.InvariantCulture,
        $"images {Image:0.0000}, area {Area:0.0000}, anomalies {Anomaly:0.0000}");

    /// <summary>A memory's numbers, these among them.</summary>
    internal MemoryConfig In(MemoryConfig memory) =>
        memory with { Mean = Mean, Place = Place, Scaling = Scaling, Smooth = Smooth, Readout = Readout };
}
