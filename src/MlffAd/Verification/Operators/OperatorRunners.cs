namespace MlffAd.Verification;

/// <summary>How each operator of the reference files is computed here: takes the case's inputs, gives back outputs
/// and gradients.</summary>
internal static partial class OperatorRunners
{
    public static readonly Dictionary<string, Action<OperatorCase>> All = new()
    {
        ["relu"] = c => Activate(c, Activation.ReLU),
        ["leaky_relu"] = c => Activate(c, Activation.LeakyReLU),
        ["sigmoid"] = c => Activate(c, Activation.Sigmoid),
        ["add"] = Add,
        ["multiply"] = Multiply,
        ["conv2d"] = Convolve,
        ["matmul"] = Product,
        ["batch_norm"] = Normalise,
        ["softmax_rows"] = SoftmaxRows,
        ["max_pool"] = MaxPool,
        ["avg_pool"] = AveragePool,
        ["global_mean"] = GlobalMean,
        ["resize_nearest"] = Nearest,
        ["resize_bilinear"] = Bilinear,
        ["place_regions"] = PlaceRegions,
        ["losses"] = Loss,
        ["sgd"] = Descend,
        ["cosine_to_mean"] = Cosine,
        ["qco1d"] = Count1D,
        ["qco2d"] = Count2D,
        ["nearest_vector"] = FindNearest,
        ["k_centre"] = ChooseCentres,
        ["local_mean"] = MeanAround,
        ["standardise"] = Standardise,
        ["place"] = Place,
    };
}
