// Draws photographs of brushed metal, makes a memory of good pieces, and judges a good and a scratched one. Leaves
// part.mlffad and the folder "today" for the other samples.
using MlffAd;
using MlffAd.Configuration;
using MlffAd.Data;
using MlffAd.Demo;
using MlffAd.Detection;
using MlffAd.Kernels.Runtime;
using MlffAd.Training;

DemoData.Write("drawn", size: 128, counts: new(Train: 20, Good: 1, Defective: 1), material: "metal");

// What the command line takes as `--preset memory --imageSize 128 --memory.size 500 --memory.choose false`.
Config config = Preset.Find("memory")
    .With("imageSize", "128").With("memory.size", "500").With("memory.choose", "false");
Model model;
using (var device = Device.Open("cpu"))
{
    TrainingOutcome made = MemoryTrainer.Train(new("drawn/metal/train/good", "part.mlffad", config), device,
        say: sentence => Console.Error.WriteLine(sentence));
    model = Model.Load("part.mlffad");
    int cells = model.Metadata.Config.Memory.Size;
    Console.WriteLine($"TrainFromCode: {cells} cells of {made.Images} photographs remembered.");
}

Directory.CreateDirectory("today");
File.Copy("drawn/metal/test/good/000.png", "today/good.png", overwrite: true);
File.Copy("drawn/metal/test/scratch/000.png", "today/scratch.png", overwrite: true);
using var detector = new Detector(model, new() { Device = "cpu" });
Finding good = detector.Inspect("today/good.png"), scratch = detector.Inspect("today/scratch.png");
ImageFile.WritePng("scratch-heat.png", scratch.DrawHeatMap());
Console.WriteLine($"TrainFromCode: {good.Path} {good.Verdict}, {scratch.Path} {scratch.Verdict}.");
