using System.CommandLine;
using MlffAd.CommandLine;
using MlffAd.Execution.Onnx;

namespace MlffAd.Cli;

/// <summary><c>mlffad export onnx</c>: a model for other people's runtimes.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var path = CommonOptions.Model();
        var output = new Option<string>("--output", "-o")
        {
            Description = "The ONNX file to write.",
            HelpName = "FILE",
            Required = true,
        };
        var onnx = new Verb("onnx",
            "Writes a model as an ONNX file that takes RGB bytes [N, H, W, 3] of any size and gives scores, score "
                + "maps and pixel maps; resizing and normalisation are inside.",
            "mlffad export onnx bottle.mlffad -o bottle.onnx")
        { path, output };
        onnx.SetAction(parse =>
        {
            string file = parse.GetRequiredValue(output);
            string model = parse.GetRequiredValue(path);
            new OutputFiles().Add(file).RequireApartFrom([model]);
            byte[] bytes = OnnxWriter.Write(Model.Load(model));
            AtomicFile.Write(file, stream => stream.Write(bytes));
            Tables.WriteLine(parse.InvocationConfiguration.Output,
                $"Wrote '{file}', {bytes.Length} bytes: input 'image'; "
                + "outputs 'score', 'score_map', 'pixel_map'; the threshold is in its metadata.");
        });
        return new Command("export", "Writes a model in another format.") { onnx };
    }
}
