using System.Text.Json.Nodes;

namespace MlffAd.Tests.Configuration;

public class ConfigTests
{
    // Spec §13 (and §2.4–2.8, §8 for the values it only names), typed from the text.
    private const string Spec = """
        {"imageSize":256,
         "backbone":{"stages":[3,4,6],"width":64,"strideIn":"3x3","bnEps":1e-5},
         "texture":{"enabled":true,"width":256,"statWidth":128,"mlpWidth":64,
                    "levels1d":128,"levels2d":8,"scales":[1,2,4,8],"levels":"centre","band":"half"},
         "sc":{"enabled":true,"width":1024,"pool":4},
         "fusion":{"width":256},
         "score":{"linear":true},
         "loss":{"alpha":1,"beta":1,"xi":1,"gamma":2.5,"lambda":5,"pairing":"mean","patch":4,"temperature":1},
         "train":{"epochs":200,"repeat":10,"batch":32,"lr":0.001,"momentum":0.9,"weightDecay":3e-5,"lrDecay":0,"schedule":"constant",
                  "warmup":0,"backboneLrScale":1,
                  "clipNorm":0,"pseudoRatio":0.5,"freeze":"none","bn":"train","holdout":0.1,"seed":0},
         "labels":{"minShare":0},
         "verdict":{"imageQuantile":0.99,"pixelQuantile":0.999},
         "synth":{"confetti":{"weight":0.5,"rates":[1.8e-5,1.2e-5],"sizes":[8,54],"rotation":45,"offsets":[-255,-1],
                  "black":-255,"sigma":5,"radius":12,"darkBelow":0.11},
                  "cutpaste":{"weight":0.25,"area":[0.02,0.15],"aspect":0.3,"jitter":[0.1,0.1,0.1,0.1]},
                  "scar":{"weight":0.25,"width":[2,16],"length":[10,25],"rotation":45,"jitter":[0.1,0.1,0.1,0.1]},
                  "maskMinChange":10,"minMaskPixels":16},
         "augment":{"brightness":0,"contrast":0,"shift":0,"rotate":0,"flip":"none"}}
        """;

    public static TheoryData<string, string> OtherValues()
    {
        var data = new TheoryData<string, string>();
        foreach (var key in Config.Keys)
        {
            string value = key.Name switch
            {
                "imageSize" => "512",
                "backbone.stages" => "[3,4,5]",
                "texture.scales" => "[2,4]",
                "synth.confetti.rates" => "[1E-05,2E-05]",
                "synth.cutpaste.area" => "[0.1,0.2]",
                "memory.from" => "[1,3]",
                "bitDepth" => "12",
                _ when key.Choices is not [] => key.Choices.First(c => c != key.Default),
                _ when key.Name.EndsWith(".jitter", StringComparison.Ordinal) => "[0.1,0.2,0.3,0.4]",
                _ when key.Default[0] == '[' => "[11,12.5]",
                _ when key.Takes.StartsWith("a whole number", StringComparison.Ordinal) =>
                    "32".Equals(key.Default, StringComparison.Ordinal) ? "2" : "32",
                _ => "0.25".Equals(key.Default, StringComparison.Ordinal) ? "0.75" : "0.25",
            };
            data.Add(key.Name, key.Name == "synth.confetti.offsets" ? "[-20,-2.5]" : value);
        }
        return data;
    }

    [Fact]
    public void DefaultsAreTheSpecifications() =>
    Assert.Equal(Leaves(JsonNode.Parse(Spec)!), Leaves(JsonNode.Parse(new Config().ToJson())!));

    [Fact]
    public void JsonComesBackAsTheSameConfiguration()
    {
        foreach (var preset in Preset.All)
        {
            Assert.Equal(preset.Config, Config.FromJson(preset.Config.ToJson()));
            Assert.Equal(preset.Config.ToJson(), Config.FromJson(preset.Config.ToJson(indented: true)).ToJson());
        }
    }

    [Fact]
    public void KeysMissingFromJsonStandAtTheirDefaults() =>
        Assert.Equal(new Config().With("train.batch", "4"), Config.FromJson("""{"train":{"batch":4}}"""));

    [Theory]
    [MemberData(nameof(OtherValues))]
    public void EveryKeyCanBeSetAndIsSeenInJson(string key, string value)
    {
        // Keys of a memory are seen where there is one.
        var plain = key.StartsWith("memory.", StringComparison.Ordinal) ? Preset.Find("memory") : new Config();
        var changed = plain.With(key, value);
        Assert.Equal(value, changed.Get(key));
        Assert.NotEqual(plain, changed);
        // What earlier versions do not know is not in the JSON at its default.
        string was = Leaves(JsonNode.Parse(plain.ToJson())!).GetValueOrDefault(key) ?? plain.Get(key);
        Assert.NotEqual(was, Leaves(JsonNode.Parse(changed.ToJson())!)[key]);
        Assert.Equal(plain, changed.With(key, was.Trim('"')));
    }

    [Fact]
    public void EveryKeyHasASentence() => Assert.All(Config.Keys, k =>
    {
        Assert.EndsWith(".", k.Description, StringComparison.Ordinal);
        Assert.Equal(new Config().Get(k.Name), k.Default);
        Assert.Equal(new Config(), new Config().With(k.Name, k.Default));
    });

    [Theory]
    [InlineData("lr", "train.lr"), InlineData("train.lr", "train.lr"), InlineData("image-size", "imageSize")]
    [InlineData("weight-decay", "train.weightDecay"), InlineData("confetti.weight", "synth.confetti.weight")]
    [InlineData("levels", "texture.levels")]
    public void AnEndThatOnlyOneKeyHasNamesIt(string name, string key) => Assert.Equal(key, Config.Resolve(name));

    [Theory]
    [InlineData("weight",
        "'weight' could be synth.confetti.weight, synth.cutpaste.weight, synth.scar.weight; say which.")]
    [InlineData("train.lrr", "There is no key 'train.lrr'; the nearest is 'train.lr'.")]
    [InlineData("batchs", "There is no key 'batchs'; the nearest is 'train.batch'.")]
    public void UnknownAndAmbiguousNamesAreRefused(string name, string message) =>
    Refused(message, () => Config.Resolve(name));

    [Theory]
    [InlineData("train.lr", "fast", "'train.lr' cannot be 'fast'; it takes a number above 0.")]
    [InlineData("train.lr", "0", "'train.lr' cannot be '0'; it takes a number above 0.")]
    [InlineData("train.lr", "NaN", "'train.lr' cannot be 'NaN'; it takes a number above 0.")]
    [InlineData("train.lr", "1e999", "'train.lr' cannot be '1e999'; it takes a number above 0.")]
    [InlineData("train.batch", "2.5",
        "'train.batch' cannot be '2.5'; it takes a whole number of at least 1 and at most 4096.")]
    [InlineData("train.epochs", "3000000000",
        "'train.epochs' cannot be '3000000000'; it takes a whole number of at least 1.")]
    [InlineData("train.momentum", "1", "'train.momentum' cannot be '1'; it takes a number of at least 0 and below 1.")]
    [InlineData("train.schedule", "linear", "'train.schedule' cannot be 'linear'; it takes constant or cosine.")]
    [InlineData("sc.enabled", "yes", "'sc.enabled' cannot be 'yes'; it takes true or false.")]
    [InlineData("imageSize", "100",
        "'imageSize' cannot be '100'; it takes a whole number of at least 64 and at most 4096, a multiple of 64.")]
    [InlineData("backbone.stages", "[3,4]",
        "'backbone.stages' cannot be '[3,4]'; it takes 3 whole numbers of at least 1 and at most 64, such as [3,4,6].")]
    [InlineData("texture.scales", "",
        "'texture.scales' cannot be ''; it takes whole numbers of at least 1 and at most 512, such as [1,2,4,8].")]
    [InlineData("synth.scar.width", "5,4",
        "'synth.scar.width' cannot be '5,4'; it takes two numbers above 0 and at most 256, the smaller first, such as "
            + "[2,16].")]
    public void ValuesThatAKeyDoesNotTakeAreRefused(string key, string value, string message) =>
    Refused(message, () => new Config().With(key, value));

    [Theory]
    [InlineData("""{"train":{"lrr":1}}""", "There is no key 'train.lrr'; the nearest is 'train.lr'.")]
    [InlineData("""{"trian":{"lr":1}}""", "There is no key 'trian'; the nearest is 'train.epochs'.")]
    [InlineData("""{"train":{"lr":"1"}}""",
        "'train.lr' is \"1\" in the JSON; it takes a number above 0, without quotes.")]
    [InlineData("""{"train":{"lr":{"x":1}}}""", "'train.lr' cannot be '{\"x\":1}'; it takes a number above 0.")]
    [InlineData("""{"train":{"lr":-1}}""", "'train.lr' cannot be '-1'; it takes a number above 0.")]
    [InlineData("""{"train":3}""", "There is no key 'train'; the nearest is 'train.epochs'.")]
    [InlineData("[]", "The configuration is not JSON as it should be: an object is expected.")]
    public void JsonThatIsNotAConfigurationIsRefused(string json, string message) =>
    Refused(message, () => Config.FromJson(json));

    [Theory]
    [InlineData("{")]
    [InlineData("""{"imageSize":256,"imageSize":256}""")]
    public void TextThatIsNotJsonIsRefused(string json) =>
        Assert.Equal(ExitCode.Usage, Assert.Throws<MlffAdException>(() => Config.FromJson(json)).Code);

    [Fact]
    public void WhatIsTooLongIsRefusedAtOnce()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        string key = new('k', 3_000_000), digits = new('9', 3_000_000);
        string list = string.Join(',', Enumerable.Repeat("1", 1_000_000));
        foreach (string json in new[]
        {
            $$"""{"{{key}}":1}""", $$$"""{"train":{"{{{key}}}":1}}""", $$$"""{"texture":{"scales":[{{{list}}}]}}""",
            $$$"""{"train":{"lr":{{{digits}}}}}""", $$$"""{"train":{"schedule":"{{{key}}}"}}""",
            $$$"""{"train":{"lr":"{{{key}}}"}}""",
        })
            Assert.InRange(Message(() => Config.FromJson(json)).Length, 20, 1000);
        Message(() => Config.Resolve(key));
        Message(() => new Config().With("memory.from", list));
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);

        void Said(string part, Func<object> act) => Assert.Contains(part, Message(act), StringComparison.Ordinal);
        Said("the nearest is", () => Config.Resolve(new('k', 64)));
        Said("no key has more than 64 letters", () => Config.Resolve(new('k', 65)));
        Said("names a scale twice", () => new Config().With("texture.scales", list[..127]).Validate());
        Said("cannot have more than 64 numbers", () => new Config().With("texture.scales", list[..129]));
    }

    [Theory]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"train":{"\udc00lr":1}}""")]
    [InlineData("""{"train":{"schedule":"\ud800"}}""")]
    public void HalfOfASurrogatePairIsRefused(string json)
    {
        Message(() => Config.FromJson(json));
        Message(() => Config.FromJson(json.Replace(@"\ud800", "\ud800", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("texture.scales", "3",
        "texture.scales has 3, which does not divide the feature map's side imageSize/8 = 32; take divisors of it.")]
    [InlineData("texture.scales", "2,2", "texture.scales names a scale twice; name each once.")]
    [InlineData("loss.patch", "5",
        "loss.patch 5 does not divide the feature map's side imageSize/8 = 32; take a divisor of it.")]
    [InlineData("sc.pool", "32", "sc.pool 32 does not divide stage 3's side imageSize/16 = 16; take a divisor of it.")]
    public void SizesThatDoNotDivideAreRefused(string key, string value, string message) =>
    Refused(message, () => new Config().With(key, value).Validate());

    [Fact]
    public void PaperLevelsWithTheSpacingBandAreRefused()
    {
        var config = new Config().With("texture.levels", "paper");
        config.With("band", "absolute").Validate();
        Assert.Equal(ExitCode.Usage,
            Assert.Throws<MlffAdException>(() => config.With("band", "spacing").Validate()).Code);
    }

    [Fact]
    public void ALossOrAMixOfNothingIsRefused()
    {
        var config = new Config();
        Assert.Throws<MlffAdException>(() => (config with
        {
            Loss = config.Loss with
            {
                Alpha = 0,
                Beta = 0,
                Xi = 0,
            }
        }).Validate());
        var none = config.With("confetti.weight", "0").With("cutpaste.weight", "0").With("scar.weight", "0");
        Assert.Throws<MlffAdException>(none.Validate);
        none.With("pseudo-ratio", "0").Validate();
    }

    [Fact]
    public void ValidateAlsoSeesValuesSetPastTheText() =>
        Refused("'train.batch' cannot be '0'; it takes a whole number of at least 1 and at most 4096.",
            () => new Config { Train = new TrainConfig { Batch = 0 } }.Validate());

    [Fact]
    public void EachRowOfTableFourAddsToTheOneBefore()
    {
        var baseline = Preset.Find("baseline");
        var sc = baseline.With("sc.enabled", "true");
        var stl = sc.With("texture.enabled", "true");
        var score = stl.With("score.linear", "true").With("loss.beta", "1");
        Assert.Equal((false, false, false, 0.0, 0.0), (baseline.Sc.Enabled, baseline.Texture.Enabled,
            baseline.Score.Linear, baseline.Loss.Beta, baseline.Loss.Xi));
        Assert.Equal([sc, stl, score, score.With("loss.xi", "1")],
            new[] { "+sc", "+stl", "+score", "full" }.Select(Preset.Find));
        Assert.Equal(new Config(), Preset.Find("full"));
        Assert.All(Preset.All, p => p.Config.Validate());
    }

    [Fact]
    public void SizesFollowFromTheKeys()
    {
        var c = new Config();
        Assert.Equal((32, 1024, 256, 512, 1024, 768, 1024),
            (c.MapSide, c.Cells, c.StageChannels(1), c.StageChannels(2), c.StageChannels(3), c.TextureChannels,
                c.ScChannels));
        var b = Preset.Find("baseline").With("backbone.width", "4");
        Assert.Equal((48, 64), (b.TextureChannels, b.ScChannels));
    }

    [Fact]
    public void AnUnknownPresetIsRefused() => Refused(
        "There is no preset 'quick'; there are paper, fast, memory, tiny, baseline, +sc, +stl, +score, full.", () =>
        Preset.Find("quick"));

    private static string Message(Func<object> act)
    {
        var e = Assert.Throws<MlffAdException>(act);
        Assert.Equal(ExitCode.Usage, e.Code);
        return e.Message;
    }

    private static void Refused(string message, Func<object> act)
    {
        var e = Assert.Throws<MlffAdException>(act);
        Assert.Equal((ExitCode.Usage, message), (e.Code, e.Message));
    }

    /// <summary>Dotted key → value, numbers as shortest text.</summary>
    private static Dictionary<string, string> Leaves(JsonNode node, string prefix = "") => node is JsonObject section
        ? section.SelectMany(p => Leaves(p.Value!, prefix == "" ? p.Key : $"{prefix}.{p.Key}")).ToDictionary()
        : new() { [prefix] = node is JsonArray list ? $"[{string.Join(',', list.Select(Plain))}]" : Plain(node) };

    private static string Plain(JsonNode? value) => value!.GetValueKind() == System.Text.Json.JsonValueKind.Number
        ? value.GetValue<double>().ToString(System.Globalization.CultureInfo.InvariantCulture) : value.ToJsonString();
}
