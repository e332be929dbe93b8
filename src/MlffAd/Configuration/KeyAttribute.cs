namespace MlffAd.Configuration;

/// <summary>Makes a property a configuration key: its sentence for help texts and docs, and the
/// values it takes.</summary>
/// <param name="about">One sentence.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KeyAttribute(string about) : Attribute
{
    public string About { get; } = about;

    /// <summary>Smallest value, of each element of a list.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    /// <summary>Largest value, of each element of a list.</summary>
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>Whether <see cref="Min"/> itself is refused.</summary>
    public bool Above { get; init; }

    /// <summary>Whether <see cref="Max"/> itself is refused.</summary>
    public bool Below { get; init; }

    /// <summary>What the value must be a multiple of.</summary>
    public int MultipleOf { get; init; } = 1;

    /// <summary>Elements of a list; 0 for one or more.</summary>
    public int Count { get; init; }

    /// <summary>Whether a list is a range: two numbers, the second not below the first.</summary>
    public bool Range { get; init; }
}
