namespace MlffAd.Tests.Training;

/// <summary>A memory of sixteen parts, and others for it to learn.</summary>
public sealed class LearningFolder : IDisposable
{
    private readonly MemoryFolder _parts = new(images: 16);
    private readonly Dictionary<string, string> _made = [];
    private int _models;

    public LearningFolder() => Made = Model.Load(Make());

    /// <summary>The memory that <see cref="Make"/> makes unless it is told otherwise.</summary>
    public Model Made { get; }

    public string In(string name) => _parts.In(name);

    /// <summary>A model of its own.</summary>
    public string Make(params (string Key, string Value)[] keys) => Copy(string.Join(' ', keys), model =>
        MemoryFolder.Make(_parts.Request(MemoryFolder.Of(MemoryFolder.Tiny, keys), Path.GetFileName(model))));

    /// <summary>One with scales that has learnt two parts.</summary>
    public string MakeLearnt() => Copy("learnt", model =>
    {
        File.Copy(Make(("memory.scaling", "place")), model);
        Learn(model, Draw("learnt", 2, seed: 250), r => r with { Force = true });
    });

    /// <summary>Good parts as those that were learnt.</summary>
    public string Draw(string folder, int count, int seed, bool odd = false)
    {
        for (int i = 0; i < count; i++) _parts.Draw($"{seed + i}.png", seed + i, odd, folder);
        return In(folder);
    }

    /// <summary>One that is good, and that the memory alarms at: of coarser grain than it has seen.</summary>
    public string DrawAlarming(string folder, string name, int seed, double times = 1.15)
    {
        for (float grain = 21; ; grain++)
        {
            _parts.Draw(name, seed, odd: false, folder, grain);
            float score = MemoryFolder.Scores(Made, DataSet.Find([Path.Combine(In(folder), name)]))[0];
            if (score <= times * Made.Metadata.Threshold) continue;
            Assert.True(score < 1.95 * Made.Metadata.Threshold, $"{score} of {Made.Metadata.Threshold}");
            return In(folder);
        }
    }

    /// <summary>Lets a model learn a folder; returns what it says as well.</summary>
    public static (LearningOutcome Outcome, List<string> Said) Learn(string model, string folder,
        Func<LearningRequest, LearningRequest>? how = null)
    {
        using var device = Device.Open("cpu", 1);
        var said = new List<string>();
        var request = new LearningRequest(model, DataSet.Open(folder).Train);
        return (MemoryLearner.Learn(how?.Invoke(request) ?? request, device, said.Add,
            TestContext.Current.CancellationToken), said);
    }

    /// <summary>Refuses to, and leaves the model as it was.</summary>
    public static string Refused(ExitCode code, string model, string folder,
        Func<LearningRequest, LearningRequest>? how = null)
    {
        byte[] before = File.ReadAllBytes(model);
        var e = Assert.Throws<MlffAdException>(() => Learn(model, folder, how));
        Assert.Equal(code, e.Code);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Equal(before, File.ReadAllBytes(model));
        return e.Message;
    }

    internal static KeptPictures Kept(string model)
    {
        using var file = ModelFile.Open(model);
        return KeptPictures.Read(file);
    }

    public void Dispose() => _parts.Dispose();

    /// <summary>A copy of what is made once.</summary>
    private string Copy(string what, Action<string> make)
    {
        if (!_made.TryGetValue(what, out string? made)) make(_made[what] = made = In($"made-{_made.Count}.mlffad"));
        string copy = In($"{_models++}.mlffad");
        File.Copy(made, copy);
        return copy;
    }
}
