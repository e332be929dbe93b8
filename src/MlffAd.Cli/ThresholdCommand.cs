using System.CommandLine;
using System.Globalization;
using MlffAd.Configuration;
using MlffAd.Data;
using MlffAd.Detection;
using MlffAd.Files;
using MlffAd.Weights;

namespace MlffAd.Cli;

/// <summary><c>mlffad threshold</c>: sets a model's thresholds anew.</summary>
internal static class ThresholdCommand
{
    public static Command Create()
    {
        var path = CommonOptions.Model();
        var folder = new Argument<string>("DIR") { Description = "A folder of good images that the model was not trained on; of a data set in MVTec AD's layout, those in train/good." };
        var verb = new Verb("threshold", "Sets a model's thresholds anew from good images, as when the lighting has changed; its network stays as it is.",
            "mlffad threshold bottle.mlffad photographs/good-today")
        { path, folder, CommonOptions.Plain, CommonOptions.Device, CommonOptions.Multiplying, CommonOptions.Threads,
            CommonOptions.MaxBad, CommonOptions.MaxPixels };
        var keys = new ConfigOptions(verb, Config.Keys.Where(key => key.Name.StartsWith("verdict.", StringComparison.Ordinal)));
        verb.SetAction((parse, stop) =>
        {
            string file = parse.GetRequiredValue(path);
            var model = MlffAd.Model.Load(file);
            var asked = model.Metadata with { Config = keys.Apply(parse, model.Metadata.Config) };
            var set = parse.OpenDataSet(folder);
            set.RequireTrain();
            foreach (string copies in set.CopyCautions()) parse.InvocationConfiguration.Error.WriteLine(
                $"mlffad: {copies}");
            var good = Holdout.Different(set.Train);
            new OutputFiles().Add(file).RequireApartFrom(good.Select(item => item.Path));
            AtomicFile.RequireWritable(file);
            using var device = parse.OpenDevice();
            using var scorer = new Scorer(model with { Metadata = asked }, device);
            using var counter = new Counter(parse, good.Count);
            var calibration =
                scorer.Calibrate(good, parse.GetValue(CommonOptions.MaxBad), parse.GetValue(CommonOptions.MaxPixels),
                (_, error) =>
            {
                stop.ThrowIfCancellationRequested();
                counter.Next(error);
            });
            counter.Dispose();
            if (calibration.Images < Holdout.FewestHeld)
                throw new MlffAdException(ExitCode.BadData, $"{calibration.Images} good images are too few to set a threshold with (at least {Holdout.FewestHeld}, better 100); add some.");
            ModelFile.Update(file, metadata => metadata with { Threshold = calibration.Threshold, Calibration = calibration });
            var output = parse.InvocationConfiguration.Output;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Image threshold {calibration.Threshold:0.000} (was {model.Metadata.Threshold:0.000}), "
                + $"pixel threshold {calibration.PixelThreshold:0.000} (was {model.Metadata.PixelThreshold:0.000}), from {calibration.Images} good images."));
            if (calibration.Caution is { } caution && !parse.GetValue(CommonOptions.Quiet)) output.WriteLine(caution);
            return Task.FromResult((int)ExitCode.Success);
        });
        return verb;
    }
}
