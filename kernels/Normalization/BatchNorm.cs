namespace MlffAd.Kernels;

/// <summary>Batch normalisation of each channel, fused with the residual sum and the activation that follow it:
/// <c>y = f(γ·(x − μ)/√(σ² + ε) + β + residual)</c>.</summary>
/// <remarks>Activations <c>[N, H, W, C]</c> may be channel slices; mean, variance, γ, β and their gradients are vectors
/// <c>[C]</c>. With n = N·H·W, dz = dy·f'(y) and x̂ = (x − μ)/√(σ² + ε):
/// <c>dβ = Σ dz</c>, <c>dγ = Σ dz·x̂</c>, <c>dx = γ/√(σ² + ε) · (dz − dβ/n − x̂·dγ/n)</c>; with frozen statistics the
/// last two terms vanish.
/// <para>Sums over rows have two levels: fixed blocks of rows, then the blocks in order. A block's variance is taken
/// about the block's own mean (on the host first about that of eight of its rows, see <see cref="MomentBlocks"/>), and
/// blocks are combined about the whole's (Chan et al. 1979), so a mean far from zero costs no digits.</para></remarks>
public static partial class BatchNorm
{
    /// <summary>ε of every batch normalisation but the backbone's, which its configuration gives.</summary>
    public const double Epsilon = 1e-5;

    private static readonly Kernel StatisticsKernel = new("batchnorm.statistics");
    private static readonly Kernel ApplyKernel = new("batchnorm.apply");
    private static readonly Kernel RunningKernel = new("batchnorm.running");
    private static readonly Kernel GradientKernel = new("batchnorm.gradient");

    /// <summary>What normalises: vectors of one value a channel, and ε.</summary>
    /// <param name="Mean">μ.</param>
    /// <param name="Variance">σ², biased.</param>
    /// <param name="Gamma">γ.</param>
    /// <param name="Beta">β.</param>
    public readonly record struct Vectors(Tensor Mean, Tensor Variance, Tensor Gamma, Tensor Beta)
    {
        /// <summary>ε.</summary>
        public float Eps { get; init; } = (float)Epsilon;
    }

    /// <summary>A gradient's maps, all of one shape.</summary>
    /// <param name="X">The forward's input.</param>
    /// <param name="Y">The forward's output; tells f'. Not read where f is <see cref="Activation.None"/>, nor by the
    /// host where it is <see cref="FollowsFromX"/>.</param>
    /// <param name="Dy">Gradient of the output.</param>
    public readonly record struct Maps(Tensor X, Tensor Y, Tensor Dy)
    {
        /// <summary>Gradient of the input; null if not wanted. May be <see cref="Dy"/>.</summary>
        public Tensor? Dx { get; init; }

        /// <summary>Gradient of the residual, dz; null if not wanted. May be <see cref="Dy"/>.</summary>
        public Tensor? Dresidual { get; init; }

        /// <summary>Whether to add to <see cref="Dx"/> instead of overwriting it.</summary>
        public bool AddX { get; init; }

        /// <summary>Whether to add to <see cref="Dresidual"/> instead of overwriting it.</summary>
        public bool AddResidual { get; init; }

        /// <summary>Whether the forward added no residual: the host then recomputes y from x, to the bit, which is
        /// cheaper than reading it.</summary>
        public bool FollowsFromX { get; init; }
    }

    /// <summary>Mean and biased variance of each channel over all N·H·W rows.</summary>
    /// <param name="x">The map.</param>
    /// <param name="mean">Overwritten.</param>
    /// <param name="variance">Overwritten.</param>
    /// <param name="moments">Block moments that the convolution which wrote <paramref name="x"/> may have made.</param>
    public static void Statistics(Tensor x, Tensor mean, Tensor variance, Moments? moments = null)
    {
        RequireVectors("batchnorm.statistics", x, mean, variance);
        // FLOP and bytes as if the statistics were computed here, even when the convolution made the moments.
        using var _ = StatisticsKernel.Begin(x, 4 * x.Count, x.Bytes);
        if (x.Device.IsHost) StatisticsHost(x, moments?.Take(x), mean, variance);
        else StatisticsGpu(x, moments?.Take(x), mean, variance);
    }

    /// <summary><c>y = f(γ·(x − μ)/√(σ² + ε) + β + residual)</c>, with the batch's statistics or running ones.
    /// <paramref name="y"/> may be <paramref name="x"/> or <paramref name="residual"/>.</summary>
    public static void Apply(Tensor x, in Vectors vectors, Tensor y, Tensor? residual = null,
        Activation f = Activation.None)
    {
        RequireVectors("batchnorm.apply", x, vectors.Mean, vectors.Variance, vectors.Gamma, vectors.Beta);
        Shape.Same("batchnorm.apply", x, y);
        if (residual is not null) Shape.Same("batchnorm.apply", x, residual);
        long bytes = (residual is null ? 2 : 3) * y.Bytes;
        using var _ = ApplyKernel.Begin(y, (residual is null ? 4 : 5) * y.Count, bytes);
        Pointwise.Dispatch(f, new Application(x, vectors, y, residual));
    }

    /// <summary>Marks a mean among the rows of <see cref="UpdateRunning"/>.</summary>
    public const float Mean = -1;

    /// <summary><c>running ← (1 − momentum)·running + momentum·batch</c>, of any number of layers in one pass.
    /// Variances of n rows enter unbiased, n/(n − 1), but for n = 1.</summary>
    /// <param name="batch">The batch's means and biased variances.</param>
    /// <param name="rows">Rows of an item behind each variance; <see cref="Mean"/> for a mean; 0 for an element that
    /// stays.</param>
    /// <param name="items">Items of the batch.</param>
    /// <param name="running">Updated.</param>
    /// <param name="momentum">Weight of the batch.</param>
    /// <param name="clip">The output of <see cref="Sgd.Clip"/>, if the statistics belong to a step: a step that is
    /// not taken leaves them.</param>
    public static void UpdateRunning(Tensor batch, Tensor rows, int items, Tensor running, float momentum = 0.1f,
        Tensor? clip = null)
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
    /// <param name="maps">The forward's maps and their gradients.</param>
    /// <param name="vectors">The vectors that <see cref="Apply"/> used.</param>
    /// <param name="dgamma">Gradient of γ, overwritten.</param>
    /// <param name="dbeta">Gradient of β, overwritten.</param>
    /// <param name="f">The forward's activation.</param>
    /// <param name="frozen">Whether the statistics are constants instead of functions of x.</param>
    public static void Gradient(in Maps maps, in Vectors vectors, Tensor dgamma, Tensor dbeta,
        Activation f = Activation.None, bool frozen = false)
    {
        var (x, y, dy) = maps;
        var (dx, dresidual) = (maps.Dx, maps.Dresidual);
        RequireVectors("batchnorm.gradient", x,
            vectors.Mean, vectors.Variance, vectors.Gamma, vectors.Beta, dgamma, dbeta);
        foreach (var t in (ReadOnlySpan<Tensor?>)[y, dy, dx, dresidual])
            if (t is not null) Shape.Same("batchnorm.gradient", x, t);
        bool linear = f == Activation.None, recomputes = maps.FollowsFromX && !linear;
        // The host's second pass reads dz, if the first has written it, instead of dy and y.
        bool kept = x.Device.IsHost && dresidual is not null && !maps.AddResidual;
        int reads = linear || x.Device.IsHost && recomputes ? 2 : 3;
        int again = dx is null && (dresidual is null || kept) ? 0 : kept ? 2 : reads;
        int writes = (dx is null ? 0 : maps.AddX ? 2 : 1) + (dresidual is null ? 0 : maps.AddResidual ? 2 : 1);
        using var _ = GradientKernel.Begin(x, 11 * x.Count, (reads + again + writes) * x.Bytes);
        using var partials = RentPartials(x);
        var read = maps with { Y = linear ? dy : y, FollowsFromX = recomputes };
        Pointwise.Dispatch(f, new Derivation(Maps: read, Vectors: vectors, Dgamma: dgamma, Dbeta: dbeta,
            Frozen: frozen, Partials: partials));
    }

    /// <summary>Blocks on a GPU: one group adds them up at the end.</summary>
    private const int MostBlocks = 512;

    /// <summary>Rows of a block: at most 128 KiB of one operand, so that a second pass over it hits the cache, and few
    /// enough for float32 sums (README, Exactness). On a GPU, where lanes share the rows, as many as keep within
    /// <see cref="MostBlocks"/>. Depends on the shape alone, so sums do not depend on the number of threads.</summary>
    private static int BlockRows(Tensor x)
    {
        int rows = Math.Clamp(32768 / x.C, 32, 128);
        return x.Device.IsHost ? rows : Math.Max(rows, (x.Rows + MostBlocks - 1) / MostBlocks);
    }

    private static int Blocks(Tensor x) => (x.Rows + BlockRows(x) - 1) / BlockRows(x);

    // Two sums of each channel for each block of rows.
    private static Tensor RentPartials(Tensor x) =>
        Tensor.Rent(x.Device, new Shape(Blocks(x), 1, 2, x.C), "batchnorm.partials");

    private static void RequireVectors(string op, Tensor x, params ReadOnlySpan<Tensor> vectors)
    {
        foreach (var v in vectors)
            Shape.Require(op, v.Shape == Shape.Of(x.C),
                "statistics, scales and shifts are vectors of the input's channels", x, v);
    }

    private readonly struct Application(Tensor x, Vectors vectors, Tensor y, Tensor? residual) : Pointwise.ICall
    {
        public void With<TFunction>() where TFunction : unmanaged, IFunction
        {
            if (y.Device.IsHost) ApplyHost<TFunction>(x, vectors, y, residual);
            else ApplyGpu<TFunction>(x, vectors, y, residual);
        }
    }

    /// <summary>A gradient's operands, <see cref="Maps.Y"/> being dy where f is none.</summary>
    private readonly record struct Derivation(
        Maps Maps, Vectors Vectors, Tensor Dgamma, Tensor Dbeta, bool Frozen, Tensor Partials) : Pointwise.ICall
    {
        public void With<TFunction>() where TFunction : unmanaged, IFunction
        {
            if (Maps.X.Device.IsHost) GradientHost<TFunction>(this);
            else GradientGpu<TFunction>(this);
        }
    }

    static partial void StatisticsGpu(Tensor x, Tensor? made, Tensor mean, Tensor variance);

    static partial void ApplyGpu<TFunction>(Tensor x, in Vectors vectors, Tensor y, Tensor? residual)
        where TFunction : unmanaged, IFunction;

    static partial void RunningGpu(Tensor batch, Tensor rows, int items, Tensor running, float momentum, Tensor? clip);

    static partial void GradientGpu<TFunction>(in Derivation p) where TFunction : unmanaged, IFunction;
}
