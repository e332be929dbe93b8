using System.Text.Json;

namespace MlffAd.Weights;

/// <summary>What a weights file says of its network and where it comes from. Null: the file does not say.</summary>
/// <param name="StrideIn">The convolution of a stage's first bottleneck that has the stride (key
/// <c>stride</c>: 3x3 or 1x1).</param>
/// <param name="BnEps">ε of batch normalisation (key <c>bn_eps</c>).</param>
/// <param name="Preprocessing">What the network is fed (keys <c>channel_order</c>, <c>value_scale</c>, <c>mean</c>,
/// <c>std</c>; all or none).</param>
/// <param name="Origin">Where the weights come from (key <c>source</c>).</param>
/// <param name="Licence">Their licence (key <c>licence</c>).</param>
/// <param name="OriginHash">SHA-256 of the file they were imported from (key <c>source_sha256</c>).</param>
public sealed record WeightsMetadata(StrideIn? StrideIn, double? BnEps, Preprocessing? Preprocessing, string? Origin,
    string? Licence, string? OriginHash)
{
    internal const string StrideKey = "stride";
    internal const string BnEpsKey = "bn_eps";
    internal const string OrderKey = "channel_order";
    internal const string ScaleKey = "value_scale";
    internal const string MeanKey = "mean";
    internal const string StdKey = "std";
    internal const string OriginKey = "source";
    internal const string LicenceKey = "licence";
    internal const string OriginHashKey = "source_sha256";

    /// <summary>Reads the strings of a file's <c>__metadata__</c>; keys it does not know are none
    /// of its business.</summary>
    /// <param name="strings">The strings.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="MlffAdException">A value is not what its key needs (exit code 4).</exception>
    public static WeightsMetadata Parse(IReadOnlyDictionary<string, string> strings, string source)
    {
        try
        {
            StrideIn? stride = strings.GetValueOrDefault(StrideKey) switch
            {
                null => null,
                "3x3" => Configuration.StrideIn.ThreeByThree,
                "1x1" => Configuration.StrideIn.OneByOne,
                var other => throw new FormatException($"the {StrideKey} is '{other}', neither 1x1 nor 3x3"),
            };
            double? eps = strings.TryGetValue(BnEpsKey, out string? text)
                ? double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)
                : null;
            if (eps is not null && !(eps > 0 && eps < 1))
                throw new FormatException($"the {BnEpsKey} is {text}, not between 0 and 1");
            return new WeightsMetadata(StrideIn: stride, BnEps: eps, Preprocessing: ParsePreprocessing(strings),
                Origin: strings.GetValueOrDefault(OriginKey), Licence: strings.GetValueOrDefault(LicenceKey),
                OriginHash: strings.GetValueOrDefault(OriginHashKey));
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            throw new MlffAdException(ExitCode.BadModel,
                $"'{source}' has metadata that cannot be used ({e.Message.TrimEnd('.')}); import it again with "
                    + $"--metadata key=value.", e);
        }
    }

    private static Preprocessing? ParsePreprocessing(IReadOnlyDictionary<string, string> strings)
    {
        string[] keys = [OrderKey, ScaleKey, MeanKey, StdKey];
        int present = keys.Count(strings.ContainsKey);
        if (present == 0) return null;
        if (present < keys.Length) throw new FormatException($"of {string.Join(", ", keys)} it has some but not all");
        return new Preprocessing(strings[OrderKey], float.Parse(strings[ScaleKey], NumberStyles.Float,
            CultureInfo.InvariantCulture), Preprocessing.Three(strings[MeanKey]),
            Preprocessing.Three(strings[StdKey])).Checked();
    }
}
