#:project ../src/MlffAd/MlffAd.csproj
// Draws photographs of cloth, 128 × 128 pixels: dotnet run -c Release eng/draw.cs FOLDER SEED TRAIN GOOD DEFECTIVE
using System.Globalization;
using MlffAd.Demo;

int[] n = [.. args.Skip(1).Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
DemoData.Write(args[0], seed: n[0], counts: new(n[1], n[2], n[3]), size: 128, material: "cloth");
