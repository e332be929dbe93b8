using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad config</c>: the configuration that <c>train</c> would use, its keys, the presets.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        var keys = new Option<bool>("--keys") { Description = "List every key: what it is, what it takes, its value." };
        var presets = new Option<bool>("--presets") { Description = "List the presets." };
        var verb = new Verb("config",
            "Prints the configuration that a preset (paper, unless --preset says otherwise) and keys make, as JSON.",
            "mlffad config --preset fast --set train.lr=0.002", "mlffad config --keys")
        { keys, presets };
        var options = new PresetOptions(verb);
        verb.SetAction(parse =>
        {
            var output = parse.InvocationConfiguration.Output;
            var config = PresetOptions.Apply(Preset.Find(options.Preset(parse) ?? "paper"), options.Given(parse));
            if (parse.GetValue(presets)) WritePresets(output);
            if (parse.GetValue(keys)) WriteKeys(output, config);
            if (!parse.GetValue(presets) && !parse.GetValue(keys)) output.WriteLine(config.ToJson(indented: true));
        });
        return verb;
    }

    private static void WritePresets(TextWriter output)
    {
        int width = Preset.All.Max(preset => preset.Name.Length) + 2;
        foreach (var preset in Preset.All) Tables.WriteBeside(output, preset.Name, width, preset.Description);
    }

    private static void WriteKeys(TextWriter output, Config config)
    {
        foreach (var key in Config.Keys)
        {
            output.WriteLine($"{key.Name} {config.Get(key.Name)}");
            Tables.WriteBeside(output, "", 4, $"{key.Description} Takes {key.Takes}.");
        }
    }
}
