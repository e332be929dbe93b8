// Exports part.mlffad to ONNX, and compares what ONNX Runtime makes of photographs with what the library does.
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
#region src/MlffAd.Inference/README.md
using MlffAd.Data;
using MlffAd.Detection;
#endregion
using MlffAd.Execution.Onnx;

#region src/MlffAd.Inference/README.md
var (width, height, rgb) = ImageFile.Read("today/good.png");   // or what the camera gave: rows from the top, RGB
using var detector = Detector.Open("part.mlffad", new() { Device = "cpu" });
Finding finding = detector.Inspect(new RgbImage(width, height, rgb), "camera 1");
Console.WriteLine($"{finding.Path}: {finding.Verdict}");
#endregion

byte[] onnx = OnnxWriter.Write(detector.Model);
File.WriteAllBytes("part.onnx", onnx);
using var session = new InferenceSession(onnx);
string[] photographs = Directory.GetFiles("today", "*.png");
int alike = 0;
foreach (string path in photographs)
{
    RgbImage image = ImageFile.Read(path);
    var bytes = new DenseTensor<byte>(image.Rgb, [1, image.Height, image.Width, 3]);
    using var outputs = session.Run([NamedOnnxValue.CreateFromTensor("image", bytes)]);
    float theirs = outputs.Single(output => output.Name == "score").AsTensor<float>()[0];
    float ours = detector.Inspect(image, path).Score!.Value;
    if (Math.Abs(theirs - ours) <= 1e-3f * ours) alike++;
}
Console.WriteLine($"OnnxRuntime: {alike} of {photographs.Length} scores are ours to a thousandth.");
