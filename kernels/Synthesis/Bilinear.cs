namespace MlffAd.Kernels;

/// <summary>Bilinear sample of an RGB image in host memory; the border is replicated.</summary>
public readonly ref struct Bilinear
{
    private readonly int _topLeft, _topRight, _bottomLeft, _bottomRight;
    private readonly float _fx, _fy;

    /// <summary>Computes the weights of the pixels around a point.</summary>
    /// <param name="x">Column, pixel centres at halves.</param>
    /// <param name="y">Row, likewise.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="height">Rows of the image.</param>
    public Bilinear(double x, double y, int width, int height)
    {
        (x, y) = (Math.Clamp(x - 0.5, 0, width - 1), Math.Clamp(y - 0.5, 0, height - 1));
        int x0 = (int)x, y0 = (int)y, right = x0 + 1 < width ? 3 : 0, down = y0 + 1 < height ? 3 * width : 0;
        (_fx, _fy) = ((float)(x - x0), (float)(y - y0));
        _topLeft = 3 * (y0 * width + x0);
        (_topRight, _bottomLeft, _bottomRight) = (_topLeft + right, _topLeft + down, _topLeft + right + down);
    }

    /// <summary>The sample of one channel.</summary>
    /// <param name="rgb"><c>[height, width, 3]</c>.</param>
    /// <param name="c">The channel, 0 to 2.</param>
    public float Sample(ReadOnlySpan<byte> rgb, int c)
    {
        float top = rgb[_topLeft + c] + _fx * (rgb[_topRight + c] - rgb[_topLeft + c]);
        float bottom = rgb[_bottomLeft + c] + _fx * (rgb[_bottomRight + c] - rgb[_bottomLeft + c]);
        return top + _fy * (bottom - top);
    }
}
