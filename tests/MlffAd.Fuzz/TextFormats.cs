using System.Text;
using System.Text.Json;
using MlffAd.Reporting;
using MlffAd.Training;

namespace MlffAd.Fuzz;

/// <summary>Configurations and logs.</summary>
internal static class TextFormats
{
    public static FileFormat[] All =>
    [
        new("config", [.. new[]
        {
            new Config().ToJson(), Preset.Find("memory").ToJson(indented: true), Preset.Find("tiny").ToJson(),
            """{"imageSize":128,"train":{"lr":0.01,"schedule":"cosine"},"texture":{"scales":[1,2]}}""",
        }.Select(json => new Seed(Encoding.UTF8.GetBytes(json), int.MaxValue))], ExitCode.Usage, ReadConfig)
        {
            FirstCheck = IsJson,
            IsText = true,
            Words = [.. Config.Keys.Select(key => $"\"{key.Name.Split('.')[^1]}\":"), "{", "}", "[", "]"],
        },
        new("log", [new(Encoding.UTF8.GetBytes(Log), int.MaxValue)], ExitCode.BadData, ReadLog)
        {
            FirstCheck = bytes => Encoding.UTF8.GetString(bytes).Split('\n')
                .Count(line => IsJson(Encoding.UTF8.GetBytes(line))) > 1,
            IsText = true,
            Words =
                ["\"step\":", "\"total\":", "\"phase\":", "\"seconds\":", "\n", "\r", "\0", "\"\\ud800\"", "{", "}"],
        },
    ];

    private const string Log = """
        {"step":1,"total":2.5,"lf":1.5,"ls":0.5,"lfs":0.5,"seconds":0.1}
        {"step":2,"total":1.25,"lf":0.5,"ls":0.5,"lfs":0.25,"seconds":0.2}
        {"step":3,"total":1e-3,"lf":0.0005,"ls":0,"lfs":0.0005,"seconds":0.3}
        {"phase":"features","seconds":12.5}
        {"phase":"all","seconds":20}

        """;

    public static bool IsJson(byte[] bytes)
    {
        try { JsonDocument.Parse(bytes).Dispose(); }
        catch (JsonException) { return false; }
        return true;
    }

    private static void ReadConfig(string path)
    {
        var config = Config.FromJson(File.ReadAllText(path));
        if (Config.FromJson(config.ToJson()) != config)
            throw new InvalidOperationException("It comes back as another.");
        MlffNetwork.Parameters(config);
    }

    private static void ReadLog(string path)
    {
        Figures.Losses(TrainingLog.Losses(path));
        ModelFacts.Making(TrainingLog.Phases(path));
        // As a training that is resumed goes on with it: of every tenth, since it waits for the disk.
        if (!path.EndsWith('0')) return;
        string next = path + ".next";
        new TrainingLogWriter(next, path, 2, said => throw new InvalidOperationException(said)).Dispose();
        File.Delete(next);
    }
}
