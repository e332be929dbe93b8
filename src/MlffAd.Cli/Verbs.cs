using System.CommandLine;

namespace MlffAd.Cli;

/// <summary>The verbs that this program has, in the order of its help.</summary>
internal static class Verbs
{
    public static Command[] Create() =>
    [
        DemoCommand.Create(DemoPlan.Default),
        TrainCommand.Create(),
        EvaluateCommand.Create(),
        DetectCommand.Create(),
        LearnCommand.Create(),
        ThresholdCommand.Create(),
        ShowCommand.Create(),
        PlanCommand.Create(),
        ExportCommand.Create(),
        ConfigCommand.Create(),
        InspectCommand.Create(),
        SynthCommand.Create(),
        WeightsCommand.Create(),
        DevicesCommand.Create(),
        ProfileCommand.Create(),
        BenchCommand.Create(),
        VerifyCommand.Create(),
    ];
}
