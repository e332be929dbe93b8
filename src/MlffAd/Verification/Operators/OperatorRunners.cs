namespace MlffAd.Verification;

/// <summary>How each operator of the reference files is computed here: takes the case's inputs, gives back outputs and gradients.</summary>
internal static partial class OperatorRunners
{
    public static readonly Dictionary<string, Action<OperatorCase>> All = new()
    {
        ["relu"] = c => Activate(c, Kernels.Activation.ReLU),
        ["leaky_relu"] = c => Activate(c, Kernels.Activation.LeakyReLU),
        ["sigmoid"] = c => Activate(c, Kernels.Activation.Sigmoid),
        ["add"] = Add,
        ["multiply"] = Multiply,
    };
}
