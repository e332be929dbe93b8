#region README.md
using MlffAd.Detection;

using var detector = Detector.Open("part.mlffad");
foreach (Finding finding in detector.Inspect(Directory.GetFiles("today", "*.png").Order()))
    Console.WriteLine($"{finding.Path}: {finding.Verdict}, score {finding.Score:0.0}");
#endregion
