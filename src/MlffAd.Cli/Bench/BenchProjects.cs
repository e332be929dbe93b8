using System.CommandLine;
using System.Diagnostics;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary>Benches that are projects of their own, built when they are asked for: nobody who only uses mlffad has to
/// fetch what they need.</summary>
internal static class BenchProjects
{
    /// <summary>The mark of the operators' section on a page.</summary>
    public const string OpsSection = "ops";

    /// <summary><c>--filter</c> of <c>bench ops</c>.</summary>
    public static readonly Option<string?> Filter = new("--filter")
    {
        Description = "Only the rows whose operator and shape contain this.",
        HelpName = "TEXT",
    };

    /// <summary><c>--update</c> of <c>bench ops</c>.</summary>
    public static readonly Option<string[]> Update = new("--update")
    {
        Description = $"Also write the figures into these Markdown files, between {MarkedPages.Lines(OpsSection)}.",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    /// <summary><c>--batch</c> of <c>bench ops</c>.</summary>
    public static readonly Option<int> Batch = CommonOptions.AtLeast(1, new Option<int>("--batch")
    {
        Description = "Images in the step.",
        HelpName = "N",
        DefaultValueFactory = _ => 8,
    });

    /// <summary><c>--against</c> of <c>bench ops</c>.</summary>
    public static readonly Option<string?> Against = new("--against")
    {
        Description = "Compare with another build: its output folder, or a checkout with bench/MlffAd.Bench built.",
        HelpName = "FOLDER",
    };

    /// <summary><c>--rounds</c> of <c>bench ops</c>.</summary>
    public static readonly Option<int> Rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds")
    {
        Description = "With --against: turns of 15 ms that each build gets for a row.",
        HelpName = "N",
        DefaultValueFactory = _ => 18,
    });

    /// <summary><c>--device</c> of <c>bench ops</c> and <c>bench gemm</c>.</summary>
    public static readonly Option<string> Where = new("--device")
    {
        Description = "Where to compute: cpu, cuda:N or opencl:N.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "cpu",
    };

    /// <summary><c>bench ops</c>. The project takes the same command line and measures; mlffad checks it and
    /// starts the project.</summary>
    public static Verb Ops(Func<ParseResult, int> run)
    {
        var verb = new Verb("ops",
            "Times every operator of the paper network's training step (256x256) against the device's own peaks, in "
                + "turns; or against another build's. Needs the repository; builds bench/MlffAd.Bench first.",
            "mlffad bench ops",
            "mlffad bench ops --filter batchnorm --threads 1",
            "mlffad bench ops --filter conv --device cuda:0 --precision tf32 --batch 32",
            "mlffad bench ops --against ../mlffad-before --filter softmax",
            "mlffad bench ops --filter memory --images photographs/bottle",
            "mlffad bench ops --json ops.json --update docs/cpu.md")
        {
            Filter, Where, CommonOptions.Precision, Batch, CommonOptions.Images, CommonOptions.Threads,
            CommonOptions.Json, Update,
            Against, Rounds,
        };
        verb.SetAction(run);
        return verb;
    }

    /// <summary>Refuses what the project would refuse, while it still costs nothing, and hands the
    /// command line on.</summary>
    public static int StartOps(ParseResult parse)
    {
        OpenDevice(parse).Dispose();
        if (parse.GetValue(Against) is { } folder)
        {
            OtherBuild(folder);
            if (parse.GetValue(Update) is not [])
                throw new MlffAdException(ExitCode.Usage, "--update shows one build; leave it out with --against.");
            if (parse.GetValue(CommonOptions.Images) is not null)
                throw new MlffAdException(ExitCode.Usage,
                    "Builds are compared on noise; leave --images out with --against.");
        }
        else if (parse.GetResult(Rounds) is { Implicit: false })
            throw new MlffAdException(ExitCode.Usage, "--rounds goes with --against only.");
        MarkedPages.Require(parse.GetValue(Update)!, OpsSection);
        var words = parse.Tokens.SkipWhile(t => t.Value != "ops").Skip(1).Select(t => t.Value);
        return Start(parse, "bench/MlffAd.Bench/MlffAd.Bench.csproj", "mlffad bench ops",
            [.. words, .. parse.GetValue(CommonOptions.Quiet) ? ["--quiet"] : Array.Empty<string>()]);
    }

    /// <summary>The assembly with another build's operators.</summary>
    /// <param name="folder">The output folder of bench/MlffAd.Bench, or a checkout of the repository.</param>
    /// <exception cref="MlffAdException">There is none (exit code 2).</exception>
    public static string OtherBuild(string folder)
    {
        string project = Path.Combine(folder, "bench", "MlffAd.Bench");
        bool checkout = Directory.Exists(project);
        string output = checkout ? Path.Combine(project, "bin", "Release", "net10.0") : folder;
        string path = Path.GetFullPath(Path.Combine(output, "MlffAd.Bench.dll"));
        return File.Exists(path) ? path : throw new MlffAdException(ExitCode.Usage, checkout
            ? $"'{folder}' is a checkout without a build; say 'dotnet build bench/MlffAd.Bench -c Release' there."
            : $"'{folder}' is neither a build of bench/MlffAd.Bench nor a checkout of the repository.");
    }

    /// <summary>Opens the device that a bench is asked to time.</summary>
    public static Device OpenDevice(ParseResult parse)
    {
        string id = parse.GetRequiredValue(Where);
        return id != "debug"
            ? Device.Open(id, parse.GetValue(CommonOptions.Threads), parse.GetValue(CommonOptions.Precision))
            : throw new MlffAdException(ExitCode.Usage,
                "The simulator 'debug' says nothing of speed; --device takes cpu, cuda:N or opencl:N.");
    }

    /// <summary>The races against ONNX Runtime and libtorch.</summary>
    public static Verb Peers()
    {
        var rounds = CommonOptions.AtLeast(1, new Option<int>("--rounds")
        {
            Description = "Rounds that count; medians are shown.",
            HelpName = "N",
            DefaultValueFactory = _ => 7,
        });
        var only = new Option<string?>("--only")
        {
            Description =
                "Run the races whose name contains this, such as inference, training, paper, training.backbone.batch8.",
            HelpName = "TEXT",
        };
        var verb = new Verb("peers",
            "Races the processor's engine, interleaved: inference against ONNX Runtime on exported models, "
                + "training steps against libtorch. Needs the repository; builds bench/peers first.",
            "mlffad bench peers", "mlffad bench peers --only inference.backbone --json peers.json",
            "mlffad bench peers --only training")
        { rounds, only, CommonOptions.Threads, CommonOptions.Json };
        verb.SetAction(parse =>
        {
            var arguments = new List<string>
            { "--rounds", $"{parse.GetValue(rounds)}", "--threads", $"{parse.GetValue(CommonOptions.Threads)}" };
            foreach (var (name, value) in new[] { ("--only", parse.GetValue(only)),
                ("--json", parse.GetValue(CommonOptions.Json)) })
                if (value is not null) arguments.AddRange([name, value]);
            return Start(parse, "bench/peers/MlffAd.Peers.csproj", "mlffad bench peers", arguments);
        });
        return verb;
    }

    /// <summary>A model's export against the model, on photographs.</summary>
    public static Verb Export()
    {
        var model = new Argument<string>("MODEL") { Description = "A model that 'mlffad train' wrote." };
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Photographs, or folders of them.",
            Arity = ArgumentArity.OneOrMore,
        };
        var verb = new Verb("export",
            "Scores photographs with a model and with its ONNX export in ONNX Runtime, and shows how far both agree. "
                + "Needs the repository; builds bench/peers first.",
            "mlffad bench export bottle.mlffad photographs/bottle")
        { model, paths, CommonOptions.Threads };
        verb.SetAction(parse => Start(parse, "bench/peers/MlffAd.Peers.csproj", "mlffad bench export",
            ["export", parse.GetRequiredValue(model),.. parse.GetRequiredValue(paths), "--threads",
                $"{parse.GetValue(CommonOptions.Threads)}"]));
        return verb;
    }

    /// <summary>The choice of a memory against the plain loop.</summary>
    public static Verb KCentre()
    {
        var folder = new Argument<string>("DIR")
        {
            Description = "Photographs of good parts, or a data set in MVTec AD's layout.",
        };
        Option<int> Cells(string name, string what, int usual) => CommonOptions.AtLeast(1, new Option<int>(name)
        {
            Description = what,
            HelpName = "N",
            DefaultValueFactory = _ => usual,
        });
        Option<int> size = Cells("--size", "Cells to choose.", 10000);
        Option<int> candidates = Cells("--candidates", "Cells to choose from.", 150000);
        var verb = new Verb("kcentre", "Races the choice of what a memory keeps against the plain loop in libtorch, on "
            + "the cells of photographs; the loop takes minutes. Needs the repository; builds bench/peers first.",
            "mlffad bench kcentre photographs/bottle")
        {
            folder, size, candidates, CommonOptions.Threads,
        };
        verb.SetAction(parse => Start(parse, "bench/peers/MlffAd.Peers.csproj", "mlffad bench kcentre",
        [
            "kcentre", parse.GetRequiredValue(folder), "--size", $"{parse.GetValue(size)}",
            "--candidates", $"{parse.GetValue(candidates)}", "--threads", $"{parse.GetValue(CommonOptions.Threads)}",
        ]));
        return verb;
    }

    private static int Start(ParseResult parse, string project, string verb, IEnumerable<string> arguments)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, project))) root = root.Parent;
        // Published beside this program for a machine without an SDK, as bench/gpu/pack.sh does it.
        string published = Path.Combine(AppContext.BaseDirectory, Path.GetFileNameWithoutExtension(project));
        if (File.Exists(Path.Combine(AppContext.BaseDirectory, "libcoreclr.so")) && File.Exists(published))
            return Run(published, arguments);
        if (root is null)
            throw new MlffAdException(ExitCode.Usage, $"This bench is run from the repository "
                + $"('{project}'), and this program does not lie in it: run './{verb}' there.");
        if (!parse.GetValue(CommonOptions.Quiet))
            parse.InvocationConfiguration.Error.WriteLine(
                $"mlffad: building {Path.GetDirectoryName(project)}, which may take a minute, then measuring.");
        return Run("dotnet",
            ["run", "--project", Path.Combine(root.FullName, project), "-c", "Release", "--", .. arguments]);
    }

    private static int Run(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments))!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
