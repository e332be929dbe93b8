using System.CommandLine;
using MlffAd.CommandLine;
using MlffAd.Reporting;
using MlffAd.Training;

namespace MlffAd.Cli;

/// <summary><c>mlffad show</c>: a model's thresholds, quality, training and configuration.</summary>
internal static class ShowCommand
{
    public static Command Create()
    {
        var path = CommonOptions.Model();
        var verb = new Verb("show",
            "Shows a model's thresholds, how good it is, how it was trained, and its configuration.",
            "mlffad show bottle.mlffad", "mlffad show bottle.mlffad --json bottle.json") { path, CommonOptions.Json };
        verb.SetAction(parse =>
        {
            var output = parse.InvocationConfiguration.Output;
            string file = parse.GetRequiredValue(path);
            string? json = parse.GetValue(CommonOptions.Json);
            new OutputFiles().Add(json).RequireApartFrom([file, TrainingRequest.LogOf(file)]);
            using var model = ModelFile.Open(file);
            var facts = ModelFacts.Of(model);
            int width = facts.SelectMany(table => table.Rows).Max(row => row.Name.Length);
            foreach (var table in facts)
            {
                output.WriteLine(table.Title);
                foreach (var (name, value) in table.Rows) Tables.WriteBeside(output, $"  {name}", width + 4, value);
            }
            if (model.Metadata.Calibration?.Caution is { } caution) Tables.WriteLine(output, caution);
            if (json is not null) ModelJson.Write(json, model);
        });
        return verb;
    }
}
