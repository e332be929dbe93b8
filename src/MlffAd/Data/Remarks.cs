namespace MlffAd.Data;

/// <summary>What should be known of the photographs and masks of a data set, gathered while they are read.</summary>
internal sealed class Remarks
{
    private readonly HashSet<(int Width, int Height)> _sizes = [];
    private readonly List<string> _faint = [], _said = [];

    /// <summary>The pixels of all photographs.</summary>
    public long Pixels { get; private set; }

    /// <summary>A photograph, upright.</summary>
    public void Add(int width, int height)
    {
        _sizes.Add((width, height));
        Pixels += (long)width * height;
    }

    /// <summary>Reads the mask of a photograph.</summary>
    /// <param name="path">The mask.</param>
    /// <param name="photograph">The photograph.</param>
    /// <param name="width">Columns of the photograph, upright.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="maxPixels">Larger masks are refused.</param>
    /// <exception cref="MlffAdException">It cannot be read, or lies across the photograph (exit code 3).</exception>
    public GreyImage ReadMask(string path, string photograph, int width, int height, long maxPixels)
    {
        var mask = ImageFile.ReadMask(path, maxPixels);
        // Class numbers in 16 bits are in the byte that is not seen otherwise.
        if (mask.IsEmpty && ImageFile.ReadBits(path) == 16) mask = ImageFile.ReadMask(path, maxPixels, bitDepth: 8);
        if ((mask.Width, mask.Height) != (width, height))
        {
            if ((mask.Width, mask.Height) == (height, width))
                throw new MlffAdException(ExitCode.BadData,
                    $"The mask '{path}' is {mask.Width}×{mask.Height}, its photograph {width}×{height}: "
                    + "it seems to be drawn before the photograph's orientation tag turned that. Turn the mask, or "
                    + "save the photograph upright.");
            _said.Add($"The mask '{path}' is {mask.Width}×{mask.Height}, its image {width}×{height}.");
        }
        else if (ImageFile.IsTurnedInPlace(photograph, maxPixels) && !ImageFile.IsTurnedInPlace(path, maxPixels))
            _said.Add($"'{photograph}' is turned by its orientation tag, and its mask '{path}' has none: the mask must "
                + "be of the upright photograph.");
        if (mask.IsEmpty) _said.Add($"The mask '{path}' marks nothing.");
        else if (mask.Limit == 0) _faint.Add(path);
        return mask;
    }

    /// <summary>A sentence each.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            var all = new List<string>();
            if (_sizes.Count > 1)
                all.Add($"The images have {_sizes.Count} different sizes; all are brought to one square, so parts may "
                    + "look stretched differently.");
            if (_faint.Count > 0)
                all.Add($"Masks without a value above {GreyImage.Middle}: {_faint.Count}; in them whatever is not 0 "
                    + $"marks a defect: {PassedImage.Named(_faint)}.");
            return [.. all, .. _said];
        }
    }
}
