namespace MlffAd.Kernels.Runtime;

/// <summary>How a GPU multiplies.</summary>
internal enum Arithmetic
{
    /// <summary>In float32.</summary>
    Float32,

    /// <summary>On tensor cores, factors rounded to TF32 (10 mantissa bits), sums in float32.</summary>
    Tf32,

    /// <summary>On tensor cores, factors rounded to BF16 (7 mantissa bits), sums in float32.</summary>
    Bf16,

    /// <summary>As <see cref="Bf16"/>, of factors that are BF16 in memory.</summary>
    Bf16Maps,

    /// <summary>As <see cref="Tf32"/>, without tensor cores: for tests.</summary>
    EmulatedTf32,

    /// <summary>As <see cref="Bf16"/>, without tensor cores: for tests.</summary>
    EmulatedBf16,

    /// <summary>As <see cref="Bf16Maps"/>, without tensor cores: for tests.</summary>
    EmulatedBf16Maps,
}
