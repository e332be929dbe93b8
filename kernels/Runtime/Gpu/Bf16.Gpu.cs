using ILGPU;

namespace MlffAd.Kernels.Runtime;

/// <summary>Two numbers of BF16 in the bits of a float, the first in the lower half.</summary>
internal static class Bf16
{
    /// <summary>The nearest number, which has 16 bits less, as its own 16 bits; halves to even. What is not finite
    /// stays so (NaNs that arithmetic makes have the upper bit set).</summary>
    /// <remarks>Without a branch: OpenCL kernels that held some fifty copies of one were wrong
    /// in one of them.</remarks>
    public static uint Round(float x)
    {
        uint bits = Interop.FloatAsInt(x), rounded = bits + 0x7FFFu + (bits >> 16 & 1);
        return ((bits & 0x7FFFFFFFu) < 0x7F800000u ? rounded : bits) >> 16;
    }

    public static float Pack(float low, float high) => Interop.IntAsFloat(Round(low) | Round(high) << 16);

    public static float Low(float word) => Interop.IntAsFloat(Interop.FloatAsInt(word) << 16);

    public static float High(float word) => Interop.IntAsFloat(Interop.FloatAsInt(word) & 0xFFFF0000u);

    /// <summary>Numbers, an even count, two in each word.</summary>
    public static float[] Pack(ReadOnlySpan<float> values)
    {
        var words = new float[values.Length / 2];
        for (int i = 0; i < words.Length; i++) words[i] = Pack(values[2 * i], values[2 * i + 1]);
        return words;
    }

    /// <summary>The two numbers of each word.</summary>
    public static void Unpack(ReadOnlySpan<float> words, Span<float> values)
    {
        for (int i = 0; i < words.Length; i++) (values[2 * i], values[2 * i + 1]) = (Low(words[i]), High(words[i]));
    }
}
