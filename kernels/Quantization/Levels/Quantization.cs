namespace MlffAd.Kernels;

/// <summary>Placement of the N levels between the lowest and the highest similarity, lo and hi; Δ = (hi −
/// lo)/N.</summary>
public enum LevelPlacement
{
    /// <summary>In the middle of N equal bins, as in the released code:
    /// <c>L_n = lo + (n + ½)Δ</c>, n = 0…N−1.</summary>
    Centre,

    /// <summary>On the bins' upper edges, as the paper's text has it: <c>L_n = lo + nΔ</c>, n = 1…N.</summary>
    Paper,
}

/// <summary>The band in which a level L sees a similarity m.</summary>
public enum LevelBand
{
    /// <summary><c>−Δ/2 ≤ L − m &lt; Δ/2</c>: bins without gap or overlap. With <see cref="LevelPlacement.Centre"/>
    /// exactly one level a position.</summary>
    Half,

    /// <summary><c>|L − m| &lt; Δ</c>, as in the released code: at most two levels a position.</summary>
    Spacing,

    /// <summary><c>−½/N ≤ L − m &lt; ½/N</c>, whatever the range, as equation 1 is printed: from no level
    /// to all of them.</summary>
    Absolute,
}

/// <summary>Soft quantisation of similarities: <c>E_{i,n} = 1 − |L_n − m_i|</c> inside the band, 0 outside, and all 0
/// where Δ = 0 (spec §4).</summary>
/// <param name="Levels">N, at least 1.</param>
/// <param name="Placement">Placement of the levels.</param>
/// <param name="Band">Their band.</param>
/// <exception cref="ArgumentException"><see cref="LevelPlacement.Paper"/> with <see cref="LevelBand.Spacing"/>, which
/// would put lo and hi on the bands' edges, or fewer than one level.</exception>
public readonly record struct Quantization(int Levels, LevelPlacement Placement, LevelBand Band)
{
    /// <summary>N, at least 1.</summary>
    public int Levels { get; } = Levels >= 1
        ? Levels
        : throw new ArgumentException($"{Levels} levels; at least one is needed.");

    /// <summary>The levels' band.</summary>
    public LevelBand Band { get; } = Placement != LevelPlacement.Paper || Band != LevelBand.Spacing ? Band
        : throw new ArgumentException(
            "Levels placed as in the paper cannot have the band 'spacing': lo and hi would lie on its edges.");
}
