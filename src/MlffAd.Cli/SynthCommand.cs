using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad synth</c>: a look at the pseudo anomalies that training will draw.</summary>
internal static class SynthCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR")
        {
            Description = "A folder of good images, or a data set in MVTec AD's layout.",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "The PNG file to write.",
            HelpName = "FILE",
            Required = true,
        };
        var count = new Option<int>("--count")
        {
            Description = "How many samples; the kinds take turns.",
            HelpName = "N",
            DefaultValueFactory = _ => 18,
        }.Within(1, 1000);
        var verb = new Verb("synth",
            "Draws pseudo anomalies on good images as a contact sheet: image, what became of it, mask.",
            "mlffad synth photographs/bottle -o pseudo.png",
            "mlffad synth parts -o pseudo.png --image-size 512 --seed 3 --synth.confetti.weight 0")
        { folder, output, count, CommonOptions.Plain, CommonOptions.MaxPixels, CommonOptions.MaxBad };
        var keys = new ConfigOptions(verb,
            Config.Keys.Where(k =>
            k.Name is "imageSize" or "bitDepth" or "train.seed"
            || k.Name.StartsWith("synth.", StringComparison.Ordinal)));
        verb.SetAction(parse =>
        {
            var config = keys.Apply(parse, new Config());
            var set = parse.OpenDataSet(parse.GetRequiredValue(folder));
            set.RequireTrain();
            string path = parse.GetRequiredValue(output);
            new OutputFiles().Add(path).RequireApartFrom(set.Train.Concat(set.Test).Select(item => item.Path));
            if (set.WouldHold(path))
                throw new MlffAdException(ExitCode.Usage,
                    $"'{path}' would lie among the photographs of '{set.Root}', and be taken for one; "
                    + "choose another folder.");
            var error = parse.InvocationConfiguration.Error;
            int samples = parse.GetValue(count);
            // Any few images will do: decoding all of a large set for one sheet would be a long wait.
            var some = set.Train.Where((_, i) => i % Math.Max(1, set.Train.Count / Math.Max(samples, 1)) == 0).ToList();
            var store = ImageStore.Load(some, config.ImageSize, 0, parse.GetValue(CommonOptions.MaxBad),
                parse.GetValue(CommonOptions.MaxPixels),
                (_, bad) =>
                {
                    if (bad is not null
                && !parse.GetValue(CommonOptions.Quiet)) error.WriteLine($"mlffad: {bad.Message}");
                }, config.BitDepth);
            var (sheet, stayedGood) = ContactSheet.Draw(store, config, samples);
            ImageFile.WritePng(path, sheet);
            if (!parse.GetValue(CommonOptions.Quiet))
                Tables.WriteLine(parse.InvocationConfiguration.Output,
                    $"Wrote '{path}': {samples} samples, each the good image, what became of it, and the mask"
                    + (stayedGood > 0 ? $"; {stayedGood} stayed good because no draw changed them enough." : "."));
        });
        return verb;
    }
}
