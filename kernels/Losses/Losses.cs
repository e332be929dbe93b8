namespace MlffAd.Kernels;

/// <summary>The three losses of the feature map F and the score map S, with their gradients (spec §7).</summary>
/// <remarks>F is [N,H,W,C], S and the labels y ∈ {0, 1} are [N,H,W,1]; N₀ good and N₁ anomalous cells in the batch; an
/// empty term is 0.
/// <para><c>A = q/(√(q + 1) + 1)</c>, q = ‖F‖²; <c>L_f = 1/(2N₀) Σ A + 1/(2N₁) Σ −ln max(u, 10⁻⁶)</c>, u = 1 − e^(−A).
/// ∂A/∂F = F/(A + 1); ∂(−ln u)/∂A = −e^(−A)/u, 0 where the max clips.</para>
/// <para><c>L_s = 1/N₀ Σ max(0, S − γ) + 1/N₁ Σ max(0, λ − (S − S̄))</c>, S̄ the mean good score, or the hinge averaged
/// over every good score as S̄; 0 if there is none.</para>
/// <para><c>L_fs</c>: F and S averaged over patches; of the R patches without an anomalous cell, distances
/// <c>P_ij = √(‖F_i − F_j‖² + 10⁻⁸)</c>, Q likewise of S, rows a = softmax(Q_i/τ), b = softmax(P_i/τ);
/// <c>1/(N·R) Σ_i KL(a ‖ b)</c>. ∂KL_i/∂P_ij = (b_ij − a_ij)/τ, ∂KL_i/∂Q_ij = a_ij (ln a_ij − ln b_ij − KL_i)/τ.</para>
/// Does not synchronise the device; sums have a fixed order.</remarks>
public static partial class Losses
{
    /// <summary>Lower bound of u in −ln u.</summary>
    private const float LeastShare = 1e-6f;

    /// <summary>Added under the roots of P and Q, so that they are differentiable at 0.</summary>
    private const float Softening = 1e-8f;

    private static readonly Kernel DistanceKernel = new("losses.distance");
    private static readonly Kernel DistanceGradientKernel = new("losses.distance.gradient");
    private static readonly Kernel CellsKernel = new("losses.cells");
    private static readonly Kernel PatchesKernel = new("losses.patches");
    private static readonly Kernel GradientKernel = new("losses.gradient");

    /// <summary>The pseudo-Huber distance of each cell's features from 0: <c>S = A(F)</c>.</summary>
    public static void Distance(Tensor F, Tensor S)
    {
        RequireMaps("losses.distance", F, S);
        using var _ = DistanceKernel.Begin(F, 2 * F.Count, 4 * (F.Count + S.Count));
        if (F.Device.IsHost) DistanceHost(F, S);
        else DistanceGpu(F, S);
    }

    /// <summary>The gradient of <see cref="Distance"/>: <c>dF (+)= dS · F/√(q + 1)</c>.</summary>
    public static void DistanceGradient(Tensor F, Tensor dS, Tensor dF, bool add = false)
    {
        RequireMaps("losses.distance.gradient", F, dS);
        Shape.Same("losses.distance.gradient", F, dF);
        using var _ = DistanceGradientKernel.Begin(F, 3 * F.Count, (add ? 12 : 8) * F.Count + 4 * dS.Count);
        using var A = Tensor.Rent(F.Device, dS.Shape, "losses.distance");
        if (F.Device.IsHost) DistanceGradientHost(F, A, dS, dF, add);
        else DistanceGradientGpu(F, A, dS, dF, add);
    }

    /// <summary>The losses of a batch, and the gradient of their weighted sum.</summary>
    /// <param name="F">Features [N,H,W,C].</param>
    /// <param name="S">Scores [N,H,W,1].</param>
    /// <param name="labels">1 where a cell is anomalous, else 0 [N,H,W,1].</param>
    /// <param name="o">Constants.</param>
    /// <param name="values">Overwritten with α L_f + β L_s + ξ L_fs, L_f, L_s, L_fs; a vector of 4.</param>
    /// <param name="dF">Overwritten with upstream · ∂/∂F of the sum; null, with <paramref name="dS"/>, if
    /// gradients are not wanted.</param>
    /// <param name="dS">Overwritten with upstream · ∂/∂S.</param>
    /// <param name="upstream">Gradient of the sum.</param>
    public static void Evaluate(Tensor F, Tensor S, Tensor labels, LossOptions o, Tensor values, Tensor? dF,
        Tensor? dS, float upstream = 1)
    {
        RequireMaps("losses", F, S, labels);
        if (dF is not null) Shape.Same("losses", F, dF);
        if (dS is not null) Shape.Same("losses", S, dS);
        Shape.Require("losses", (dF is null) == (dS is null), "both gradients are wanted, or neither", F, S);
        Shape.Require("losses", values.Shape == Shape.Of(4), "the values are a vector of 4", values);
        Shape.Require("losses", o.Patch > 0 && F.Shape.H % o.Patch == 0
            && F.Shape.W % o.Patch == 0, $"patches of {o.Patch} cells must tile the map", F);

        var device = F.Device;
        Shape grid = S.Shape with { H = S.Shape.H / o.Patch, W = S.Shape.W / o.Patch };
        using var A = Tensor.Rent(device, S.Shape, "losses.distance");
        using var pairs = Tensor.Rent(device, S.Shape.WithC(2), "losses.pairs");
        using var sums = Tensor.Rent(device, Shape.Of(Sum.Count), "losses.sums");
        using var patches = Tensor.Rent(device, grid.WithC(F.C + 2), "losses.patches");
        using var slopes = Tensor.Rent(device, grid.WithC(2 * grid.Area + 1), "losses.slopes");
        Tensor patchF = patches.Slice(0, F.C), patchS = patches.Slice(F.C, 1), patchLabels = patches.Slice(F.C + 1, 1);

        Distance(F, A);
        Blocks.Mean(F, patchF);
        Blocks.Mean(S, patchS);
        Blocks.Mean(labels, patchLabels);
        using (PatchesKernel.Begin(patches, 3L * grid.Area * patches.Count, 4 * (patches.Count + slopes.Count)))
        {
            if (device.IsHost) PatchesHost(patchF, patchS, patchLabels, slopes, o);
            else PatchesGpu(patchF, patchS, patchLabels, slopes, o);
        }
        using (CellsKernel.Begin(S, 10 * S.Count, 20 * S.Count))
        {
            if (device.IsHost) CellsHost(A, S, labels, slopes, o, pairs, sums, values);
            else CellsGpu(A, S, labels, slopes, o, pairs, sums, values);
        }
        if (dF is null || dS is null) return;

        using var dpatches = Tensor.Rent(device, grid.WithC(F.C + 1), "losses.dpatches");
        using var __ = GradientKernel.Begin(F, 4 * F.Count, 8 * F.Count);
        var maps = new Maps(F: F, S: S, Labels: labels, A: A, Pairs: pairs, Sums: sums, PatchF: patchF, PatchS: patchS,
            Slopes: slopes, DpatchF: dpatches.Slice(0, F.C), DpatchS: dpatches.Slice(F.C, 1), DF: dF, DS: dS);
        if (device.IsHost) GradientHost(maps, o, upstream);
        else GradientGpu(maps, o, upstream);
    }

    /// <summary>Indices into the vector of the batch's sums.</summary>
    private static class Sum
    {
        public const int Good = 0, Anomalous = 1, MeanGood = 2, Active = 3, Count = 4;
    }

    /// <summary>Operands of the gradient. Row i of <c>Slopes</c> is that of patch i: ∂L_fs/∂P_ij / P_ij for every patch
    /// j of its image, likewise for Q, then KL_i/(N·R). A row of <c>Pairs</c> is that of a cell: Σ max(0, λ −
    /// (S_anomalous − S_good)) over its pairs with the other label, and the number of positive terms.</summary>
    private readonly record struct Maps(Tensor F, Tensor S, Tensor Labels, Tensor A, Tensor Pairs, Tensor Sums,
        Tensor PatchF, Tensor PatchS, Tensor Slopes, Tensor DpatchF, Tensor DpatchS, Tensor DF, Tensor DS);

    private static void RequireMaps(string op, Tensor F, params ReadOnlySpan<Tensor> maps)
    {
        foreach (var map in maps)
            Shape.Require(op, map.Shape == F.Shape.WithC(1),
                "scores and labels have one channel and the features' extents", F, map);
    }

    /// <summary>u = 1 − e^(−A) for A ≥ 0, by its series where the difference would cancel.</summary>
    internal static float Share(float A)
    {
        if (A >= 0.5f) return 1 - MathF.Exp(-A);
        float u = 1;
        for (int k = 9; k >= 2; k--) u = 1 - A / k * u;
        return A * u;
    }

    /// <summary>−ln max(u, 10⁻⁶) of an anomalous cell.</summary>
    internal static float AnomalyLoss(float A) => -MathF.Log(MathF.Max(Share(A), LeastShare));

    /// <summary>∂L_f/∂F of a cell, divided by F.</summary>
    internal static float FeatureSlope(float A, bool anomalous, float good, float bad)
    {
        float perF = 1 / (A + 1);
        if (!anomalous) return 0.5f / good * perF;
        float u = Share(A);
        return u > LeastShare ? -0.5f / bad * MathF.Exp(-A) / u * perF : 0;
    }

    /// <summary>∂L_s/∂S of a cell.</summary>
    /// <param name="S">Its score.</param>
    /// <param name="anomalous">Its label.</param>
    /// <param name="active">Number of open hinges: of its pairs or, for a good cell compared as a mean, of all
    /// anomalous cells.</param>
    /// <param name="good">N₀.</param>
    /// <param name="bad">N₁.</param>
    /// <param name="gamma">γ.</param>
    /// <param name="all">Whether an anomalous cell has N₀ partners instead of one.</param>
    internal static float ScoreSlope(float S, bool anomalous, float active, float good, float bad, float gamma,
        bool all)
    {
        if (anomalous) return -active / bad / (all && good > 0 ? good : 1);
        return (S > gamma ? 1 / good : 0) + (bad > 0 ? active / bad / good : 0);
    }

    static partial void DistanceGpu(Tensor F, Tensor S);
    static partial void DistanceGradientGpu(Tensor F, Tensor A, Tensor dS, Tensor dF, bool add);
    static partial void PatchesGpu(Tensor patchF, Tensor patchS, Tensor patchLabels, Tensor slopes, LossOptions o);
    static partial void CellsGpu(Tensor A, Tensor S, Tensor labels, Tensor slopes, LossOptions o, Tensor pairs,
        Tensor sums, Tensor values);
    static partial void GradientGpu(in Maps maps, LossOptions o, float upstream);
}
