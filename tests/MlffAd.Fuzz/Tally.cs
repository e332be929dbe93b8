namespace MlffAd.Fuzz;

/// <summary>What became of a format's mutants.</summary>
internal sealed class Tally
{
    public long Mutants { get; set; }

    /// <summary>Of them those that got beyond the first check.</summary>
    public long Looked { get; set; }

    public long Accepted { get; set; }

    public long Refused { get; set; }

    public double Slowest { get; set; }

    public long MostBytes { get; set; }

    public double Share => (double)Looked / Math.Max(1, Mutants);
}
