using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MlffAd;
using MlffAd.Configuration;
using MlffAd.Execution;
using MlffAd.Execution.Onnx;
using MlffAd.Files;
using MlffAd.Kernels;
using MlffAd.Kernels.Runtime;
using MlffAd.Network;
using MlffAd.Peers;
using MlffAd.Weights;

var rounds = new Option<int>("--rounds") { Description = "Rounds that count.", DefaultValueFactory = _ => 7 };
var threads = new Option<int>("--threads") { Description = "Threads of each; 0: one for each processor.", DefaultValueFactory = _ => 0 };
var json = new Option<string?>("--json") { Description = "Also write the figures to this file." };
var only = new Option<string?>("--only") { Description = "Races whose name contains this." };
var root = new RootCommand("Races mlffad's processor engine against ONNX Runtime, in turns, on the same weights and images.") { rounds, threads, json, only };
root.SetAction(parse =>
{
    int count = parse.GetValue(threads) is > 0 and int given ? given : Environment.ProcessorCount;
    var results = new SortedDictionary<string, object>(StringComparer.Ordinal);
    using var device = Device.Open("cpu", count);
    Console.WriteLine($"{device.Name}, {count} threads; milliseconds an image, medians (minima) of {parse.GetValue(rounds)} rounds in turns.");
    foreach (var race in Inference.Races)
    {
        if (parse.GetValue(only) is { } part && !race.Name.Contains(part, StringComparison.Ordinal)) continue;
        var (r, difference) = race.Run(device, count, parse.GetValue(rounds));
        double[] ours = [.. r.Ours.Select(t => t * 1e3 / race.Batch)], peer = [.. r.Peers.Select(t => t * 1e3 / race.Batch)];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{race.Name,-28} ours {Timing.Median(ours),7:0.00} ({ours.Min(),7:0.00})  ONNX Runtime {Timing.Median(peer),7:0.00} ({peer.Min(),7:0.00})  ratio {r.Ratio:0.000}  largest difference {difference:0.0e+00} of the largest output"));
        results[$"inference.{race.Name}"] = new { oursMs = Timing.Median(ours), onnxRuntimeMs = Timing.Median(peer), oursMinMs = ours.Min(), onnxRuntimeMinMs = peer.Min(), ratioToOnnxRuntime = r.Ratio, difference };
    }
    if (parse.GetValue(json) is { } path) AtomicFile.WriteText(path, JsonSerializer.Serialize(results, new JsonSerializerOptions { WriteIndented = true }));
});
return root.Parse(args).Invoke();

/// <summary>A network, or a part of it, at a batch size.</summary>
internal sealed record Inference(string Name, string Preset, bool WholeNetwork, int Batch)
{
    public static IEnumerable<Inference> Races =>
    [
        new("paper.batch1", "paper", true, 1), new("paper.batch8", "paper", true, 8), new("fast.batch1", "fast", true, 1), new("fast.batch8", "fast", true, 8),
        new("backbone.batch1", "paper", false, 1), new("backbone.batch8", "paper", false, 8),
    ];

    public (Race.Result Times, double Difference) Run(Device device, int threads, int rounds)
    {
        var config = MlffAd.Configuration.Preset.Find(Preset);
        var weights = Weights(config);
        int side = config.ImageSize;
        var random = new Random(1);
        if (WholeNetwork)
        {
            var model = new Model(new ModelMetadata(config, Preprocessing.ImageNet, 0, null, new TrainingRecord(0, 0, 0, "", null), "race"), weights);
            byte[] bytes = new byte[Batch * side * side * 3];
            for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)(128 + 60 * Math.Sin(i / 3 % side / 9.0) + 40 * Math.Sin(i / 3 / side / 7.0) + random.Next(-20, 20));
            using var plan = Planner.Plan(config, weights, device, new Shape(Batch, side, side, 3), (x, image) => [new MlffNetwork(config).Forward(x, image).S]);
            float[] images = new float[bytes.Length];
            var how = KernelOptions.Normalisation(Preprocessing.ImageNet);
            using var peer = new OnnxPeer(OnnxWriter.Write(model), threads);
            peer.Bind(bytes, [Batch, side, side, 3]);
            var times = Race.Run(rounds, () =>
            {
                Normalise.Forward(bytes, images, how);
                plan.Input.Write(images);
                plan.Run();
            }, peer.Run);
            return (times, Difference(plan.Outputs[0].ToArray(), peer.Output(1)));
        }
        Func<IExecutor, MlffAd.Autograd.Value, MlffAd.Autograd.Value[]> describe = (x, image) =>
        {
            var backbone = new Backbone(config);
            var f1 = backbone.Stage(x, backbone.Stem(x, image), 1);
            var f2 = backbone.Stage(x, f1, 2);
            return [f1, f2, backbone.Stage(x, f2, 3)];
        };
        using (var plan = Planner.Plan(config, weights, device, new Shape(Batch, side, side, 3), describe))
        using (var peer = new OnnxPeer(OnnxWriter.Write(config, weights, describe), threads))
        {
            float[] last = new float[Batch * side * side * 3], first = new float[last.Length];
            for (int i = 0; i < last.Length; i++) last[i] = (float)(Math.Sin(i / 3 % side / 9.0) + random.NextDouble() - 0.5);
            for (int n = 0; n < Batch; n++)
                for (int p = 0; p < side * side; p++)
                    for (int c = 0; c < 3; c++) first[(n * 3 + c) * side * side + p] = last[(n * side * side + p) * 3 + c];
            plan.Input.Write(last);
            peer.Bind(first, [Batch, 3, side, side]);
            var times = Race.Run(rounds, plan.Run, peer.Run);
            float[] ours = plan.Outputs[2].ToArray(), theirs = peer.Output(2), turned = new float[theirs.Length];
            int c3 = plan.Outputs[2].C, area = plan.Outputs[2].Shape.Area;
            for (int n = 0; n < Batch; n++)
                for (int p = 0; p < area; p++)
                    for (int c = 0; c < c3; c++) turned[(n * area + p) * c3 + c] = theirs[(n * c3 + c) * area + p];
            return (times, Difference(ours, turned));
        }
    }

    private static double Difference(float[] a, float[] b) => a.Zip(b, (x, y) => (double)Math.Abs(x - y)).Max() / b.Max(Math.Abs);

    /// <summary>The shipped backbone, the rest random of the size that training starts with.</summary>
    private static NetworkWeights Weights(Config config)
    {
        var weights = Initialisation.Random(ParameterList.Of(config), 1);
        Initialisation.Import(WeightsFile.Load(WeightsFile.ShippedPath), weights);
        return weights;
    }
}
