namespace MlffAd.Demo;

/// <summary>Pictures of a material.</summary>
/// <param name="Train">Good training pictures.</param>
/// <param name="Good">Good test pictures.</param>
/// <param name="Defective">Test pictures of each kind of defect; a material has four kinds.</param>
public sealed record DemoCounts(int Train = 60, int Good = 20, int Defective = 8);

/// <summary>Draws the demo's data sets: woven cloth and brushed metal, photographed, in MVTec AD's layout
/// with exact masks.</summary>
/// <remarks>Good parts differ as real ones do (lie, dye, grain, lamp, focus, exposure); defects are not those that
/// training imitates. A picture depends on the seed, its material and its number alone.</remarks>
public static class DemoData
{
    private static readonly Material[] All = [new Cloth(), new Metal()];

    /// <summary>The materials' names, which are the folders' names.</summary>
    public static IReadOnlyList<string> Materials { get; } = [.. All.Select(m => m.Name)];

    /// <summary>Writes the data sets: <c>FOLDER/MATERIAL/{train/good, test/KIND, ground_truth/KIND}</c>.</summary>
    /// <param name="folder">Where; it is made. Files of the same names are replaced.</param>
    /// <param name="seed">Another seed gives other pictures.</param>
    /// <param name="size">Pixels along a side, 64…1024.</param>
    /// <param name="counts">How many; null: the defaults.</param>
    /// <param name="threads">Threads to draw with; 0: one for each processor. The pictures do not depend on it.</param>
    /// <param name="stop">Ends it early.</param>
    /// <param name="material">The only material to draw, one of <see cref="Materials"/>; null: all.</param>
    /// <exception cref="MlffAdException">The folder cannot be written (exit code 7).</exception>
    public static void Write(string folder, long seed = 0, int size = 256, DemoCounts? counts = null, int threads = 0,
        CancellationToken stop = default, string? material = null)
    {
        var (train, good, defective) = counts ?? new();
        ArgumentOutOfRangeException.ThrowIfNotEqual(size, Math.Clamp(size, 64, 1024));
        var pictures = new List<(Material Material, int Number, string Path, string? Mask, string? Defect)>();
        foreach (var drawn in All.Where(m => material is null || m.Name == material))
        {
            int number = 0;
            void Add(string set, string kind, int count, string? defect)
            {
                string images = OutputFolder.Make(Path.Combine(folder, drawn.Name, set, kind));
                string? masks = defect is null ? null
                    : OutputFolder.Make(Path.Combine(folder, drawn.Name, "ground_truth", kind));
                for (int i = 0; i < count; i++)
                    pictures.Add((drawn, number++, Path.Combine(images, $"{i:000}.png"),
                        masks is null ? null : Path.Combine(masks, $"{i:000}_mask.png"), defect));
            }
            Add("train", "good", train, null);
            Add("test", "good", good, null);
            foreach (string defect in drawn.Defects) Add("test", defect, defective, defect);
        }
        // Unlimited, Parallel starts ever more threads while files are written.
        int most = threads == 0 ? Environment.ProcessorCount : threads;
        var options = new ParallelOptions { MaxDegreeOfParallelism = most, CancellationToken = stop };
        try
        {
            Parallel.ForEach(pictures, options, p =>
            {
                var rng = new Rng(seed, RngPurpose.Demo, Array.IndexOf(All, p.Material), p.Number);
                var scene = p.Material.Draw(size, rng, p.Defect);
                ImageFile.WritePng(p.Path, new Camera(rng).Photograph(scene));
                if (p.Mask is not null) ImageFile.WritePng(p.Mask, ToRgb(scene.Mask()));
            });
        }
        // One file that cannot be written says what the others would.
        catch (AggregateException e) when (e.InnerException is MlffAdException first)
        {
            throw new MlffAdException(
            first.Code, first.Message, first);
        }
    }

    private static RgbImage ToRgb(GreyImage mask) =>
        new(mask.Width, mask.Height, [.. mask.Values.SelectMany(v => new[] { v, v, v })]);
}
