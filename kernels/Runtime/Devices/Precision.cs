namespace MlffAd.Kernels.Runtime;

/// <summary>How a device multiplies matrices; sums are in float32 always.</summary>
public enum Precision
{
    /// <summary>Factors are float32. Every device can.</summary>
    Float32,

    /// <summary>Factors are rounded to TF32: float32's range with 10 mantissa bits. On the tensor cores of NVIDIA's
    /// cards from compute capability 8.0 on.</summary>
    Tf32,

    /// <summary>Factors are rounded to BF16: float32's range with 7 mantissa bits. On the same cards, whose tensor
    /// cores multiply these twice as fast. Most maps lie so in memory (<see cref="Device.MapFormat"/>).</summary>
    Bf16,
}

/// <summary>Precisions' names.</summary>
public static class Precisions
{
    extension(Precision precision)
    {
        /// <summary>What <c>--precision</c> takes.</summary>
        public string Name() => precision switch { Precision.Tf32 => "tf32", Precision.Bf16 => "bf16", _ => "fp32" };
    }
}
