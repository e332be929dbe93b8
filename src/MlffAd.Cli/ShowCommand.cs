using System.CommandLine;
using MlffAd.Reporting;
using MlffAd.Weights;

namespace MlffAd.Cli;

/// <summary><c>mlffad show</c>: a model's thresholds, training and configuration.</summary>
internal static class ShowCommand
{
    public static Command Create()
    {
        var path = CommonOptions.Model();
        var verb = new Verb("show", "Shows a model's thresholds, how it was trained, and its configuration.", "mlffad show bottle.mlffad") { path };
        verb.SetAction(parse =>
        {
            var output = parse.InvocationConfiguration.Output;
            using var model = ModelFile.Open(parse.GetRequiredValue(path));
            var facts = ModelFacts.Of(model);
            int width = facts.SelectMany(table => table.Rows).Max(row => row.Name.Length);
            foreach (var table in facts)
            {
                output.WriteLine(table.Title);
                foreach (var (name, value) in table.Rows) Tables.WriteBeside(output, $"  {name}", width + 4, value);
            }
            if (model.Metadata.Calibration?.Caution is { } caution) Tables.WriteLine(output, caution);
        });
        return verb;
    }
}
