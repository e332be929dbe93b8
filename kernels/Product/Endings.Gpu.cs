namespace MlffAd.Kernels;

/// <summary>What a group does with its sums besides storing them: a type argument, so that each ending is a body of its own.</summary>
internal interface IEnding
{
    /// <summary>Whether it makes the moments of the tile's rows.</summary>
    bool MakesMoments { get; }

    /// <summary>Whether the parts of a split sum are added as they are finished.</summary>
    bool AddsParts { get; }

    /// <summary>Whether result and residual are BF16.</summary>
    bool IsBf16 { get; }
}

/// <summary>Nothing.</summary>
internal readonly struct Stored : IEnding
{
    public bool MakesMoments => false;

    public bool AddsParts => false;

    public bool IsBf16 => false;
}

/// <summary>Moments, for batch normalisation.</summary>
internal readonly struct WithMoments : IEnding
{
    public bool MakesMoments => true;

    public bool AddsParts => false;

    public bool IsBf16 => false;
}

/// <summary>Nothing, in BF16.</summary>
internal readonly struct StoredBf16 : IEnding
{
    public bool MakesMoments => false;

    public bool AddsParts => false;

    public bool IsBf16 => true;
}

/// <summary>Moments, of what has not been rounded, for a result in BF16.</summary>
internal readonly struct WithMomentsBf16 : IEnding
{
    public bool MakesMoments => true;

    public bool AddsParts => false;

    public bool IsBf16 => true;
}

/// <summary>The total of a split sum.</summary>
internal readonly struct PartsAdded : IEnding
{
    public bool MakesMoments => false;

    public bool AddsParts => true;

    public bool IsBf16 => false;
}
