#:project ../src/MlffAd/MlffAd.csproj
// Draws the demo's photographs of good parts, as many as are wanted: dotnet run eng/draw.cs FOLDER COUNT
using System.Globalization;
using MlffAd.Demo;

DemoData.Write(args[0], train: int.Parse(args[1], CultureInfo.InvariantCulture), good: 1, defective: 1);
