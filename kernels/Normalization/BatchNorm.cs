using MlffAd.Kernels.Runtime;

namespace MlffAd.Kernels;

/// <summary>Batch normalisation of each channel, with the residual sum and the activation that follow it in one pass:
/// <c>y = f(γ·(x − μ)/√(σ² + ε) + β + residual)</c>.</summary>
/// <remarks>Activations <c>[N, H, W, C]</c> may be channel slices; mean, variance, γ, β and their gradients are vectors <c>[C]</c>. With n = N·H·W,
/// dz = dy·f'(y) and x̂ = (x − μ)/√(σ² + ε):
/// <c>dβ = Σ dz</c>, <c>dγ = Σ dz·x̂</c>, <c>dx = γ/√(σ² + ε) · (dz − dβ/n − x̂·dγ/n)</c>; with frozen statistics the last two terms fall away.
/// <para>Sums over rows go in two levels: fixed blocks of rows, then the blocks in order. A block's variance is taken about the block's own
/// mean (on the host first about that of eight of its rows, see <see cref="MomentBlocks"/>), and blocks are combined about the whole's (Chan), so a mean far from zero costs no digits.</para></remarks>
public static partial class BatchNorm
{
    private static readonly Kernel StatisticsKernel = new("batchnorm.statistics"), ApplyKernel = new("batchnorm.apply"),
        RunningKernel = new("batchnorm.running"), GradientKernel = new("batchnorm.gradient");

    /// <summary>Mean and biased variance of each channel over all N·H·W rows.</summary>
    /// <param name="x">The map.</param>
    /// <param name="mean">Overwritten.</param>
    /// <param name="variance">Overwritten.</param>
    /// <param name="moments">What the convolution that wrote <paramref name="x"/> may have made of it in passing.</param>
    public static void Statistics(Tensor x, Tensor mean, Tensor variance, Moments? moments = null)
    {
        RequireVectors("batchnorm.statistics", x, mean, variance);
        // Counted by the definition, whoever has looked.
        using var _ = StatisticsKernel.Begin(x, 4 * x.Count, x.Bytes);
        if (x.Device.IsHost) StatisticsHost(x, moments?.Take(x), mean, variance);
        else StatisticsGpu(x, moments?.Take(x), mean, variance);
    }

    /// <summary><c>y = f(γ·(x − μ)/√(σ² + ε) + β + residual)</c>, with the batch's statistics or running ones. <paramref name="y"/> may be
    /// <paramref name="x"/> or <paramref name="residual"/>.</summary>
    public static void Apply(Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, float eps, Tensor y, Tensor? residual = null, Activation f = Activation.None)
    {
        RequireVectors("batchnorm.apply", x, mean, variance, gamma, beta);
        Shape.Same("batchnorm.apply", x, y);
        if (residual is not null) Shape.Same("batchnorm.apply", x, residual);
        using var _ = ApplyKernel.Begin(y, (residual is null ? 4 : 5) * y.Count, (residual is null ? 2 : 3) * y.Bytes);
        Pointwise.Dispatch(f, new Application(x, mean, variance, gamma, beta, eps, y, residual));
    }

    /// <summary>What stands for a mean among the rows of <see cref="UpdateRunning"/>.</summary>
    public const float Mean = -1;

    /// <summary><c>running ← (1 − momentum)·running + momentum·batch</c>, of any number of layers in one pass; variances of n rows enter unbiased, n/(n − 1), but for n = 1.</summary>
    /// <param name="batch">The batch's means and biased variances.</param>
    /// <param name="rows">Rows of an item that each variance was taken over; <see cref="Mean"/> for a mean; 0 for what belongs to nobody and stays.</param>
    /// <param name="items">Items of the batch.</param>
    /// <param name="running">Updated.</param>
    /// <param name="momentum">Share of the batch.</param>
    /// <param name="clip">What <see cref="Sgd.Clip"/> wrote, if the statistics go with a step: where none is taken, they stay.</param>
    public static void UpdateRunning(Tensor batch, Tensor rows, int items, Tensor running, float momentum = 0.1f, Tensor? clip = null)
    {
        RequireVectors("batchnorm.running", batch, rows, running);
        using var _ = RunningKernel.Begin(running, 6 * running.Count, 16 * running.Count);
        if (running.Device.IsHost) RunningHost(batch, rows, items, running, momentum, clip);
        else RunningGpu(batch, rows, items, running, momentum, clip);
    }

    private static float Running(float running, float batch, float rows, int items, float momentum)
    {
        float n = rows * items;
        if (n > 1) batch *= n / (n - 1);
        return rows == 0 ? running : (1 - momentum) * running + momentum * batch;
    }

    /// <summary>Gradients to the input, γ, β and the residual. Two passes: the sums, then the elements.</summary>
    /// <param name="x">The forward's input.</param>
    /// <param name="mean">The statistics that <see cref="Apply"/> used.</param>
    /// <param name="variance">The statistics that <see cref="Apply"/> used.</param>
    /// <param name="gamma">γ.</param>
    /// <param name="eps">ε.</param>
    /// <param name="y">The forward's output; tells f'. Not read where f is <see cref="Activation.None"/>, nor by the host where it has <paramref name="beta"/>.</param>
    /// <param name="dy">Gradient of the output.</param>
    /// <param name="f">The forward's activation.</param>
    /// <param name="frozen">Whether the statistics are constants instead of functions of <paramref name="x"/>.</param>
    /// <param name="dx">Gradient of the input; null if not wanted. May be <paramref name="dy"/>.</param>
    /// <param name="dgamma">Gradient of γ, overwritten.</param>
    /// <param name="dbeta">Gradient of β, overwritten.</param>
    /// <param name="dresidual">Gradient of the residual, dz; null if there is none. May be <paramref name="dy"/>.</param>
    /// <param name="addX">Add to <paramref name="dx"/> instead of overwriting it.</param>
    /// <param name="addResidual">Add to <paramref name="dresidual"/> instead of overwriting it.</param>
    /// <param name="beta">The forward's β, if it added no residual: y then follows from x, and the host makes it again, to the bit, which is cheaper than to read it.</param>
    public static void Gradient(Tensor x, Tensor mean, Tensor variance, Tensor gamma, float eps, Tensor y, Tensor dy, Activation f, bool frozen,
        Tensor? dx, Tensor dgamma, Tensor dbeta, Tensor? dresidual = null, bool addX = false, bool addResidual = false, Tensor? beta = null)
    {
        RequireVectors("batchnorm.gradient", x, mean, variance, gamma, dgamma, dbeta, beta ?? gamma);
        foreach (var t in (ReadOnlySpan<Tensor?>)[y, dy, dx, dresidual])
            if (t is not null) Shape.Same("batchnorm.gradient", x, t);
        // The host's second pass reads dz, if the first has written it, in place of dy and y.
        bool kept = x.Device.IsHost && dresidual is not null && !addResidual;
        int reads = f == Activation.None || x.Device.IsHost && beta is not null ? 2 : 3, again = dx is null && (dresidual is null || kept) ? 0 : kept ? 2 : reads, writes = (dx is null ? 0 : addX ? 2 : 1) + (dresidual is null ? 0 : addResidual ? 2 : 1);
        using var _ = GradientKernel.Begin(x, 11 * x.Count, (reads + again + writes) * x.Bytes);
        using var partials = RentPartials(x);
        Pointwise.Dispatch(f, new Derivation(new(x, f == Activation.None ? dy : y, dy, dx, dresidual, addX, addResidual), new(mean, variance, gamma, f == Activation.None ? null : beta, dgamma, dbeta, eps, frozen), partials));
    }

    /// <summary>Blocks on a GPU: one group adds them up at the end.</summary>
    private const int MostBlocks = 512;

    /// <summary>Rows in a block: at most 128 KiB of one operand, so that a second look at it finds it in cache, and few enough for float32 sums:
    /// blocks of 1024 rows lost a third more digits than blocks of 128, those no more than blocks of 64. On a GPU, where lanes share the rows, more if there were too many blocks.
    /// Depends on the shape alone, so sums do not depend on threads.</summary>
    private static int BlockRows(Tensor x)
    {
        int rows = Math.Clamp(32768 / x.C, 32, 128);
        return x.Device.IsHost ? rows : Math.Max(rows, (x.Rows + MostBlocks - 1) / MostBlocks);
    }

    private static int Blocks(Tensor x) => (x.Rows + BlockRows(x) - 1) / BlockRows(x);

    // Two sums of each channel for each block of rows.
    private static Tensor RentPartials(Tensor x) => Tensor.Rent(x.Device, new Shape(Blocks(x), 1, 2, x.C), "batchnorm.partials");

    private static void RequireVectors(string op, Tensor x, params ReadOnlySpan<Tensor> vectors)
    {
        foreach (var v in vectors) Shape.Require(op, v.Shape == Shape.Of(x.C), "statistics, scales and shifts are vectors of the input's channels", x, v);
    }

    /// <summary>A gradient's operands of the input's shape.</summary>
    private readonly record struct Maps(Tensor X, Tensor Y, Tensor Dy, Tensor? Dx, Tensor? Dresidual, bool AddX, bool AddResidual);

    /// <summary>A gradient's operands of one value a channel, and constants.</summary>
    private readonly record struct Vectors(Tensor Mean, Tensor Variance, Tensor Gamma, Tensor? Beta, Tensor Dgamma, Tensor Dbeta, float Eps, bool Frozen);

    private readonly struct Application(Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, float eps, Tensor y, Tensor? residual) : Pointwise.ICall
    {
        public void With<TFunction>() where TFunction : unmanaged, IFunction
        {
            if (y.Device.IsHost) ApplyHost<TFunction>(x, mean, variance, gamma, beta, eps, y, residual);
            else ApplyGpu<TFunction>(x, mean, variance, gamma, beta, eps, y, residual);
        }
    }

    private readonly struct Derivation(Maps maps, Vectors vectors, Tensor partials) : Pointwise.ICall
    {
        public void With<TFunction>() where TFunction : unmanaged, IFunction
        {
            if (maps.X.Device.IsHost) GradientHost<TFunction>(maps, vectors, partials);
            else GradientGpu<TFunction>(maps, vectors, partials);
        }
    }

    static partial void StatisticsGpu(Tensor x, Tensor? made, Tensor mean, Tensor variance);
    static partial void ApplyGpu<TFunction>(Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, float eps, Tensor y, Tensor? residual) where TFunction : unmanaged, IFunction;
    static partial void RunningGpu(Tensor batch, Tensor rows, int items, Tensor running, float momentum, Tensor? clip);
    static partial void GradientGpu<TFunction>(Maps maps, Vectors vectors, Tensor partials) where TFunction : unmanaged, IFunction;
}
