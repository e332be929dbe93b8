using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;
using MlffAd.Execution.Onnx;

namespace MlffAd.Peers;

/// <summary>Compares a model's scores with those of its ONNX export in ONNX Runtime: on the image resized by us, where
/// only arithmetic may differ, and on the original.</summary>
internal static class ExportCheck
{
    /// <summary>Prints the largest differences and the number of verdicts that differ.</summary>
    public static void Run(string path, string[] photographs, int threads, TextWriter output)
    {
        var model = Model.Load(path);
        using var device = Device.Open("cpu", threads);
        using var scorer = new Scorer(model, device, batch: 1);
        using var options = new SessionOptions { IntraOpNumThreads = threads };
        using var session = new InferenceSession(OnnxWriter.Write(model), options);
        var items = DataSet.Find(photographs);
        (double resized, double original, double largest, int verdicts, int unread) = (0, 0, 0, 0, 0);
        foreach (var item in items)
        {
            RgbImage image;
            try
            {
                image = ImageFile.Read(item.Path);
            }
            catch (MlffAdException)
            {
                unread++;
                continue;
            }
            var small = image.Resize(scorer.Side, scorer.Side);
            float ours = scorer.Score([small])[0].Readout(scorer.Model.Metadata.Config), same = Score(session, small),
                whole = Score(session, image);
            (resized, original, largest) = (Math.Max(resized, Math.Abs(ours - same)),
                Math.Max(original, Math.Abs(ours - whole)), Math.Max(largest, Math.Abs(ours)));
            double threshold = model.Metadata.Threshold;
            if (ours > threshold != same > threshold || ours > threshold != whole > threshold) verdicts++;
        }
        double batched = Batched(session, scorer, items);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{items.Count - unread} photographs{(unread > 0 ? $" ({unread} are not readable)" : "")}, "
            + $"scores up to {largest:0.00}: at {scorer.Side}x{scorer.Side} ONNX Runtime differs by at most "
            + $"{resized:0.0e+00}, as they are by {original:0.0e+00}; {verdicts} verdicts differ. "
            + $"Eight at a time its scores differ from ours by at most {batched:0.0e+00}; "
            + $"the process has used {Environment.WorkingSet >> 20} MiB, at most "
            + $"{Process.GetCurrentProcess().PeakWorkingSet64 >> 20}."));
    }

    /// <summary>Largest difference of scores in batches of eight from ours, one at a time.</summary>
    private static double Batched(InferenceSession session, Scorer scorer, IReadOnlyList<ImageItem> items)
    {
        double largest = 0;
        foreach (var some in scorer.Score(items).Where(image => image.Error is null).Chunk(8))
        {
            RgbImage[] images = [.. some.Select(image => image.Original!.Resize(scorer.Side, scorer.Side))];
            byte[] pixels = [.. images.SelectMany(image => image.Rgb)];
            using var input =
                OrtValue.CreateTensorValueFromMemory(pixels, [images.Length, scorer.Side, scorer.Side, 3]);
            using var run = new RunOptions();
            using var results = session.Run(run, ["image"], [input], ["score"]);
            var scores = results[0].GetTensorDataAsSpan<float>();
            for (int i = 0; i < images.Length; i++) largest = Math.Max(largest, Math.Abs(scores[i] - some[i].Score));
        }
        return largest;
    }

    private static float Score(InferenceSession session, RgbImage image)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(image.Rgb, [1, image.Height, image.Width, 3]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["image"], [input], ["score"]);
        return results[0].GetTensorDataAsSpan<float>()[0];
    }
}
