using System.CommandLine;
using System.CommandLine.Parsing;

namespace MlffAd.CommandLine;

/// <summary>Options that several verbs take, defined once so that they read and behave alike. A verb adds
/// those it obeys.</summary>
internal static class CommonOptions
{
    /// <summary><c>--quiet</c>: every verb has it; results still go to the standard output, progress and remarks
    /// do not appear.</summary>
    public static readonly Option<bool> Quiet = new("--quiet", "-q")
    {
        Description = "Say nothing but results and errors.",
        Recursive = true,
    };

    /// <summary><c>--device</c>, as <see cref="Kernels.Runtime.Device.Open"/> takes it.</summary>
    public static readonly Option<string> Device = new("--device")
    {
#if HOST_ONLY
        Description = "Where to compute: cpu, or auto, which is cpu here.",
#else
        Description = "Where to compute: cpu, cuda:N, opencl:N, debug, or auto: the first GPU, else cpu. 'mlffad "
            + "devices' lists them.",
#endif
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "auto",
    };

    /// <summary><c>--precision</c>, under the names that people use.</summary>
    public static readonly Option<Precision> Precision = new("--precision")
    {
        Description = "How matrices are multiplied: fp32, the default; or, for the tensor cores of an NVIDIA card of "
            + "compute capability 8.0 or later, tf32 or bf16: factors rounded to 10 or 7 mantissa bits, sums in fp32; "
            + "with bf16 most maps are kept in it, too.",
        HelpName = "fp32|tf32|bf16",   // no default value, which help would show by its name here
        CustomParser = result => result.Tokens[0].Value switch
        {
            "fp32" => Kernels.Runtime.Precision.Float32,
            "tf32" => Kernels.Runtime.Precision.Tf32,
            "bf16" => Kernels.Runtime.Precision.Bf16,
            var other => Refuse(result, $"--precision takes fp32, tf32 or bf16, not '{other}'."),
        },
    };

    private static Precision Refuse(ArgumentResult result, string why)
    {
        result.AddError(why);
        return Kernels.Runtime.Precision.Float32;
    }

    /// <summary><c>--threads</c>: host threads; results do not depend on it.</summary>
    public static readonly Option<int> Threads = new Option<int>("--threads")
    {
        Description = "Processor threads; 0: one for each processor. Results do not depend on it.",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
    }.Within(0, 1024);

    /// <summary><c>--max-bad</c>: the share of a data set's images that may be broken, <c>5%</c>
    /// or <c>0.05</c>.</summary>
    public static readonly Option<double> MaxBad = new("--max-bad")
    {
        Description = "Largest share of unusable images; they are named and skipped.",
        HelpName = "5%",
        DefaultValueFactory = _ => 0.05,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            bool percent = text.EndsWith('%');
            string number = percent ? text[..^1] : text;
            if (NumberOption.TryRead(number, out double value) && value >= 0 && value <= (percent ? 100 : 1))
                return percent ? value / 100 : value;
            result.AddError($"--max-bad takes a share such as 5% or 0.05, not '{text}'.");
            return 0;
        },
    };

    /// <summary><c>--max-pixels</c>: larger images are refused before memory is taken for them.</summary>
    public static readonly Option<long> MaxPixels = new Option<long>("--max-pixels")
    {
        Description = "Most pixels an image may have.",
        HelpName = "N",
        DefaultValueFactory = _ => Data.ImageFile.MaxPixels,
    }.Within(1, int.MaxValue);

    /// <summary><c>--plain</c>: that a folder's names say nothing.</summary>
    public static readonly Option<bool> Plain = new("--plain")
    {
        Description = "All images below DIR show good parts, whatever its folders are called.",
    };

    /// <summary><c>--json</c>: where a verb writes its result for programs.</summary>
    public static readonly Option<string?> Json = new("--json")
    {
        Description = "Also write the result to this file, as JSON.",
        HelpName = "FILE",
    };

    /// <summary><c>--images</c>: what a measurement computes on, where its time depends on that.</summary>
    public static readonly Option<string?> Images = new("--images")
    {
        Description =
        "Compute on the photographs of this folder instead of noise: how much of a memory is searched depends on them.",
        HelpName = "DIR",
    };

    /// <summary>The argument that names a model.</summary>
    public static Argument<string> Model() => new("MODEL") { Description = "A model that 'mlffad train' wrote." };

    /// <summary>Opens the device that <see cref="Device"/>, <see cref="ThreadTeam"/> and <see cref="Precision"/> name;
    /// the caller disposes it.</summary>
    /// <exception cref="DeviceException">There is none of that name, it cannot be opened, or it cannot
    /// multiply so.</exception>
    public static Device OpenDevice(this ParseResult parse) =>
        Kernels.Runtime.Device.Open(parse.GetRequiredValue(Device), parse.GetValue(Threads), parse.GetValue(Precision));

    /// <summary>Opens a data set, and says on the error stream which of its images are passed over.</summary>
    /// <exception cref="MlffAdException">As <see cref="Data.DataSet.Open"/>.</exception>
    public static Data.DataSet OpenDataSet(this ParseResult parse, string folder)
    {
        var set = Data.DataSet.Open(folder, parse.GetValue(Plain));
        if (set.Caution is { } caution) parse.InvocationConfiguration.Error.WriteLine($"mlffad: {caution}");
        return set;
    }

    /// <summary>Lets an option take whole numbers from a bound on.</summary>
    public static Option<int> AtLeast(int least, Option<int> option) => option.Within(least, int.MaxValue);
}
