using MlffAd.Configuration;

namespace MlffAd.Data;

/// <summary>A kind of pseudo anomaly.</summary>
public enum AnomalyKind
{
    /// <summary>Blurred coloured and black squares.</summary>
    Confetti,

    /// <summary>CutPaste: a piece of the image pasted elsewhere.</summary>
    Patch,

    /// <summary>CutPaste: a thin rotated piece pasted elsewhere.</summary>
    Scar,
}

/// <summary>Makes defects on good images, with their masks (spec §2.4–2.6).</summary>
/// <remarks>Holds scratch memory: one instance a thread.</remarks>
public sealed class PseudoAnomalies
{
    private const int Draws = 20;

    private readonly SynthConfig _config;
    private readonly Confetti _confetti;
    private readonly CutPaste _cutPaste;
    private readonly byte[] _before;
    private readonly double _minMaskPixels;

    /// <summary>Prepares for images of one size.</summary>
    /// <param name="config">Every number of the three kinds.</param>
    /// <param name="side">S, a multiple of 8.</param>
    public PseudoAnomalies(SynthConfig config, int side)
    {
        _config = config;
        _confetti = new(config.Confetti, side);
        _cutPaste = new(config, side);
        _before = new byte[3 * side * side];
        _minMaskPixels = config.MinMaskPixels * (side / 256.0) * (side / 256.0);
    }

    /// <summary>Draws a kind by the weights <c>synth.confetti.weight</c>, <c>synth.cutpaste.weight</c>, <c>synth.scar.weight</c>.</summary>
    public static AnomalyKind DrawKind(SynthConfig config, Rng rng)
    {
        double u = rng.Uniform(0, config.Confetti.Weight + config.Cutpaste.Weight + config.Scar.Weight);
        return u < config.Confetti.Weight ? AnomalyKind.Confetti : u < config.Confetti.Weight + config.Cutpaste.Weight ? AnomalyKind.Patch : AnomalyKind.Scar;
    }

    /// <summary>Puts a pseudo anomaly on an image. A draw that changes too little is drawn again, 20 times at most.</summary>
    /// <param name="kind">What to draw.</param>
    /// <param name="image"><c>[S, S, 3]</c>, changed in place.</param>
    /// <param name="mask">Receives <c>[S, S]</c>: 1 where some channel changed by <c>synth.maskMinChange</c> at least, else 0.</param>
    /// <param name="rng">The entry's own stream.</param>
    /// <returns>False if every draw changed too little (white pasted on white): the image stays as it was, the mask is empty.</returns>
    public bool Apply(AnomalyKind kind, Span<byte> image, Span<byte> mask, Rng rng)
    {
        image.CopyTo(_before);
        for (int draw = 0; draw < Draws; draw++)
        {
            switch (kind)
            {
                case AnomalyKind.Confetti: _confetti.Draw(_before, image, rng); break;
                case AnomalyKind.Patch: _cutPaste.Patch(_before, image, rng); break;
                default: _cutPaste.Scar(_before, image, rng); break;
            }
            if (Compare(image, mask) >= _minMaskPixels) return true;
            _before.CopyTo(image);
        }
        mask.Clear();
        return false;
    }

    private int Compare(ReadOnlySpan<byte> after, Span<byte> mask)
    {
        int changed = 0, least = _config.MaskMinChange;
        for (int i = 0, p = 0; i < mask.Length; i++, p += 3)
        {
            bool anomalous = Math.Abs(after[p] - _before[p]) >= least || Math.Abs(after[p + 1] - _before[p + 1]) >= least || Math.Abs(after[p + 2] - _before[p + 2]) >= least;
            mask[i] = anomalous ? (byte)1 : (byte)0;
            changed += mask[i];
        }
        return changed;
    }
}
