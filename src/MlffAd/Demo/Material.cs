namespace MlffAd.Demo;

/// <summary>A kind of part, and what can be wrong with it.</summary>
internal abstract class Material
{
    /// <summary>The folder's name.</summary>
    public abstract string Name { get; }

    /// <summary>Names of the defects: the folders of the test set.</summary>
    public abstract IReadOnlyList<string> Defects { get; }

    /// <summary>Draws one part; all that is random about it comes from <paramref name="rng"/>.</summary>
    /// <param name="size">Pixels along a side.</param>
    /// <param name="rng">Its random numbers.</param>
    /// <param name="defect">One of <see cref="Defects"/>, or null for a good part.</param>
    public abstract Scene Draw(int size, Rng rng, string? defect);
}
