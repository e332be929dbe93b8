using System.CommandLine;
using System.Text;
using MlffAd.CommandLine;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad bench gemm</c>: how near a device's matrix product comes to what the device can do. Beside it the
/// benches that are projects of their own.</summary>
internal static class BenchCommand
{
    /// <summary>The ladders' problems: small, as the definition is slow.</summary>
    private static readonly (int M, int N, int K) LadderProduct = (256, 256, 576), LadderOnGpu = (8192, 256, 512);
    private static readonly Shape LadderMap = new(1, 32, 32, 64);

    /// <summary>What one page shows; its marks bear the same name.</summary>
    private const string Gemm = "gemm", Convolution = "convolution", GemmOnGpu = "gemm gpu";

    public static Command Create()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds")
        {
            Description = "How often each product is timed; medians are shown.",
            HelpName = "N",
            DefaultValueFactory = _ => 9,
        });
        var update = new Option<string[]>("--update")
        {
            Description = $"Also write the figures into these Markdown files, between {MarkedPages.Lines(Gemm)}, or "
                + $"{MarkedPages.Lines(Convolution)}; of a GPU, between {MarkedPages.Lines(GemmOnGpu)}.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var gemm = new Verb("gemm",
            "Times the matrix product, which is under every convolution, against the device's multiply-add peak, "
                + "interleaved (on a processor with one thread and with all), and every rung of its ladder.",
            "mlffad bench gemm", "mlffad bench gemm --rounds 21",
            "mlffad bench gemm --update kernels/Product/README.md kernels/Convolution/README.md",
            "mlffad bench gemm --device cuda:0 --precision tf32 --update docs/gpu.md")
        {
            rounds, BenchProjects.Where, CommonOptions.Precision, update, CommonOptions.Threads,
        };
        gemm.SetAction(parse =>
        {
            string[] pages = parse.GetValue(update)!;
            using var device = BenchProjects.OpenDevice(parse);
            MarkedPages.Require(pages, device.IsHost ? [Gemm, Convolution] : [GemmOnGpu]);
            var sections = Measure(device, parse.GetValue(rounds), parse.InvocationConfiguration.Output);
            MarkedPages.Write(pages,
                [.. sections.GroupBy(s => s.Page).Select(page => (page.Key, string.Join('\n', page.Select(Table))))]);
        });
        return new Command("bench", "Measures speed.") { gemm, BenchLadders.Create(), Algorithms(),
            BenchThreads.Create(), BenchPtx.Create(), BenchProjects.Ops(BenchProjects.StartOps), BenchProjects.Peers(),
            BenchProjects.Export(), BenchProjects.KCentre() };
    }

    /// <summary>The table that says which layers minimal filtering takes is source: measured once, then the same
    /// for everybody.</summary>
    private static Verb Algorithms()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds")
        {
            Description = "How often each is timed; the least times count.",
            HelpName = "N",
            DefaultValueFactory = _ => 9,
        });
        var update = new Option<string?>("--update")
        {
            Description = $"Also write the table into this source file, between "
                + $"{MarkedPages.Lines($"algorithms {AlgorithmBench.Bits}")}.",
            HelpName = "FILE",
        };
        var verb = new Verb("algorithms",
            "Times the ways to convolve by 3x3 filters, interleaved, for layers of many sizes: the implicit "
                + "product (i), minimal filtering of 2x2 (2) and of 4x4 outputs (4).", "mlffad bench algorithms",
            "mlffad bench algorithms --update kernels/Convolution/AlgorithmTable.cs")
        { rounds, update, CommonOptions.Threads };
        verb.SetAction(parse =>
        {
            string section = $"algorithms {AlgorithmBench.Bits}";
            string[] pages = parse.GetValue(update) is { } page ? [page] : [];
            MarkedPages.Require(pages, section);
            using var device = Device.Open("cpu", parse.GetValue(CommonOptions.Threads));
            var (output, rows) = (parse.InvocationConfiguration.Output, new List<AlgorithmBench.AlgorithmResult>());
            Tables.WriteLine(output,
                $"{device.Name}, {Threads(device)}: the fastest, and how many times as fast as the implicit product.");
            foreach (var row in AlgorithmBench.Run(device, parse.GetValue(rounds)))
            {
                rows.Add(row);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {row.Pass,-15} {row.Channels,4} channels, {row.Side,2}×{row.Side,-2} cells: {row.Letter} "
                        + $"{row.Gain,5:0.00}"));
            }
            MarkedPages.Write(pages, [(section, AlgorithmBench.Source(rows))]);
        });
        return verb;
    }

    /// <summary>A table of one page.</summary>
    private sealed record Section(string Page, string Title, string Head, IReadOnlyList<GemmBench.GemmResult> Rows);

    /// <summary>Measures and prints one table after the other.</summary>
    private static List<Section> Measure(Device all, int rounds, TextWriter output)
    {
        var sections = new List<Section>();
        void Show(Section section)
        {
            sections.Add(section);
            Tables.WriteLine(output, section.Title);
            foreach (var row in section.Rows)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {row.Name,-32} {row.GigaFlops,7:0.0} GFLOP/s  {row.Share,6:0.0%} of peak"));
        }

        if (!all.IsHost)
        {
            var products = GemmBench.Products(all, rounds, out double peakOfProducts, GemmBench.Shapes);
            Show(new(GemmOnGpu,
                $"{all.Name}, {all.Precision.Name()}: peak {Speed(peakOfProducts)} (in registers, measured between "
                    + $"the products).", "product", products));
            var ladder = GemmBench.ProductLadder(all, rounds, LadderOnGpu, out double peakOfLadder);
            Show(new(GemmOnGpu,
                $"The product's ladder on M{LadderOnGpu.M} N{LadderOnGpu.N} K{LadderOnGpu.K}: peak "
                    + $"{Speed(peakOfLadder)}.", "rung", ladder));
            return sections;
        }
        // The lower rungs have one thread; so has the peak beside them.
        using Device single = Device.Open("cpu", 1);
        foreach (var device in all.Team.Count == 1 ? [single] : new[] { single, all })
        {
            var rows = GemmBench.Products(device, rounds, out double peak, GemmBench.Shapes);
            Show(new(Gemm,
                $"{device.Name}, {Threads(device)}: peak {Speed(peak)} (float32 multiply-adds in registers, measured "
                    + $"between the products).", "product", rows));
        }
        var product = GemmBench.ProductLadder(single, rounds, LadderProduct, out double productPeak);
        Show(new(Gemm,
            $"The product's ladder on M{LadderProduct.M} N{LadderProduct.N} K{LadderProduct.K}, {Threads(single)}: "
                + $"peak {Speed(productPeak)}.", "rung", product));
        var convolution = GemmBench.ConvolutionLadder(single, rounds, LadderMap, out double convolutionPeak);
        Show(new(Convolution,
            $"The convolution's ladder, 3×3 taps on {LadderMap.H}×{LadderMap.W} cells of {LadderMap.C} channels, "
                + $"{Threads(single)} ({single.Name}): peak {Speed(convolutionPeak)}.", "rung", convolution));
        return sections;
    }

    /// <summary>A batch to compute on: the photographs of <see cref="CommonOptions.Images"/>, or noise, not zeros: what
    /// lies in memory should cost what it will.</summary>
    /// <exception cref="MlffAdException">There is no memory to search (exit code 2), or the photographs cannot be read
    /// (3).</exception>
    public static float[] Images(ParseResult parse, Config config, Shape shape, Preprocessing preprocessing)
    {
        if (parse.GetValue(CommonOptions.Images) is not { } folder) return Noise(shape.Count);
        if (!config.HasMemory)
            throw new MlffAdException(ExitCode.Usage,
                "--images is for a memory: a network takes as long whatever it is shown.");
        var set = DataSet.Open(folder);
        return MemorySample.Batch(set.Test is [] ? set.Train : set.Test, config, shape.N, preprocessing);
    }

    /// <summary>Numbers from −1 to 1, the same each time.</summary>
    public static float[] Noise(long count)
    {
        var random = new Random(1);
        float[] noise = new float[count];
        foreach (ref float value in noise.AsSpan()) value = 2 * random.NextSingle() - 1;
        return noise;
    }

    /// <summary>A batch to train on: noise, and a corner of every other image anomalous, since good patches are
    /// compared with one another.</summary>
    public static (float[] Images, float[] Labels) Batch(Config config)
    {
        float[] labels = new float[config.Train.Batch * config.Cells];
        int side = config.MapSide;
        for (int i = 0; i < labels.Length; i++)
            if (i / config.Cells % 2 == 1 && i % config.Cells / side < side / 4 && i % side < side / 4) labels[i] = 1;
        return (Noise(config.Train.Batch * config.ImageSize * config.ImageSize * 3), labels);
    }

    /// <summary>Uploads a batch as training does: the images to a CPU, recipes to a GPU.</summary>
    public static Func<BatchTicket> Feed(TrainingStep step, Config config, Device device)
    {
        if (!device.IsHost)
        {
            var book = PseudoAnomalies.Sample(config);
            return () => step.Upload(book);
        }
        var (images, labels) = Batch(config);
        return () => step.Upload(images, labels);
    }

    /// <summary>How many threads, in words.</summary>
    public static string Threads(Device device) => $"{device.Team.Count} thread{(device.Team.Count == 1 ? "" : "s")}";

    private static string Speed(double gigaFlops) =>
        string.Create(CultureInfo.InvariantCulture, $"{gigaFlops:0.0} GFLOP/s");

    private static string Table(Section section)
    {
        var table = new StringBuilder($"{section.Title}\n\n| {section.Head} | GFLOP/s | of peak |\n|---|---:|---:|\n");
        foreach (var row in section.Rows)
            table.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {row.GigaFlops:0.0} | {row.Share:0%} |\n");
        return table.ToString();
    }
}
