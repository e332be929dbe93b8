namespace MlffAd.Kernels;

/// <summary>What a group does with its sums besides storing them, as a type argument, so that each is a body of its
/// own.</summary>
internal interface IEpilogue
{
    /// <summary>Whether it computes the moments of the tile's rows, for batch normalisation.</summary>
    bool MakesMoments { get; }

    /// <summary>Whether it adds the parts of a split sum as they are finished.</summary>
    bool AddsParts { get; }

    /// <summary>Whether result and residual are BF16; moments are of what has not been rounded.</summary>
    bool IsBf16 { get; }
}

/// <summary>Sums are stored as <typeparamref name="TFormat"/> says, and nothing more.</summary>
internal readonly struct Stored<TFormat> : IEpilogue where TFormat : unmanaged, IStoredFormat
{
    public bool MakesMoments => false;

    public bool AddsParts => false;

    public bool IsBf16 => default(TFormat).IsBf16;
}

/// <summary>Stored, with moments.</summary>
internal readonly struct WithMoments<TFormat> : IEpilogue where TFormat : unmanaged, IStoredFormat
{
    public bool MakesMoments => true;

    public bool AddsParts => false;

    public bool IsBf16 => default(TFormat).IsBf16;
}

/// <summary>The total of a split sum, in float32.</summary>
internal readonly struct PartsAdded : IEpilogue
{
    public bool MakesMoments => false;

    public bool AddsParts => true;

    public bool IsBf16 => false;
}

/// <summary>The format of a stored map, as a type argument.</summary>
internal interface IStoredFormat
{
    bool IsBf16 { get; }
}

internal readonly struct Float32Map : IStoredFormat
{
    public bool IsBf16 => false;
}

internal readonly struct Bf16Map : IStoredFormat
{
    public bool IsBf16 => true;
}
