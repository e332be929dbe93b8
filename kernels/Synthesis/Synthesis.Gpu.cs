using ILGPU;

namespace MlffAd.Kernels;

public static partial class Synthesis
{
    private const int GroupSize = 256;

    private static readonly GpuKernel<SynthesisArgs> Body = new("synthesis", Make, GroupSize,
        GroupSize * sizeof(float));

    internal struct SynthesisArgs
    {
        public ArrayView<byte> Rgb;
        public ArrayView<float> Plan, Y, Other, Changed, Labels, StayedGood;
        public int Side, Radius, DarkSum, MinChange, MinPixels, CellLimit;
        public GpuNormalisation How;
    }

    static partial void Gpu(Tensor book, SynthesisOptions options, PixelNormalisation how, Tensor images,
        Tensor labels, Tensor stayedGood)
    {
        int n = images.Shape.N, bytes = n * RecipeBook.ImageFloats(options.Side);
        var packed = book.Gpu.Data;
        using var other = Tensor.Rent(images.Device, images.Shape, "confetti along the rows");
        using var changed = Tensor.Rent(images.Device,
            new Shape(n, options.Side / SynthesisOptions.Cell, options.Side, 1), "changed pixels");
        Body.Launch(images.Device, n, new SynthesisArgs
        {
            Rgb = packed.SubView(0, bytes).Cast<byte>(),
            Plan = packed.SubView(bytes, packed.Length - bytes),
            Y = images.Gpu.Data,
            Other = other.Gpu.Data,
            Changed = changed.Gpu.Data,
            Labels = labels.Gpu.Data,
            StayedGood = stayedGood.Gpu.Data,
            Side = options.Side,
            Radius = options.Radius,
            DarkSum = options.DarkSum,
            MinChange = options.MinChange,
            MinPixels = options.MinPixels,
            CellLimit = options.CellLimit,
            How = new(how),
        });
    }

    /// <summary>A group makes an image: it applies draw after draw until one changes enough, and runs through the
    /// others idle, so that all threads meet the same barriers. The image's part of Y is scratch meanwhile: warped
    /// values before rounding, then confetti's field.</summary>
    private static void Make(SynthesisArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int n = Grid.IdxX, pixels = p.Side * p.Side, first = n * pixels;
        int at = (int)Interop.FloatAsInt(p.Plan[2 * p.Radius + 1 + n]);
        bool isWarped = p.Plan[at] != 0;
        float luma = isWarped ? Warped(p, first, at + 1) : 0f, mean = GroupReduce.Sum(shared, luma) / pixels;
        if (isWarped) Contrasted(p, first, mean, p.Plan[at + 8]);
        at += 1 + Warp.Size;
        int draws = (int)p.Plan[at++];
        bool done = false;
        for (int d = 0; d < SynthesisOptions.Draws; d++)
        {
            bool isDrawn = d < draws && !done;
            Group.Barrier();   // the image is warped, the field has been read
            int coloured = 0, black = 0;
            float sum = 0;
            if (isDrawn)
            {
                coloured = (int)p.Plan[at];
                black = (int)p.Plan[at + 1];
                if (coloured == AnomalyDraw.IsPiece) sum = LumaBeforeContrast(p, first, at + 2);
                else Field(p, first, at + 2, coloured, black);
            }
            sum = GroupReduce.Sum(shared, sum);
            if (coloured + black > 0) AlongRows(p, first, at + 2, coloured + black);
            Group.Barrier();
            int changed = 0;
            if (isDrawn) changed = Finish(p, first, at + 2, coloured, black, sum);
            int all = (int)GroupReduce.Sum(shared, changed);
            if (!isDrawn) continue;
            done = all >= p.MinPixels;
            at += 2 + (coloured == AnomalyDraw.IsPiece ? Piece.Size : (coloured + black) * Square.Size);
        }
        if (!done) Finish(p, first, at, 0, 0, 0);
        Group.Barrier();
        Label(p, n);
        if (Group.IdxX == 0) p.StayedGood[n] = done ? 0 : IntrinsicMath.Min(draws, 1);
    }

    /// <summary>Writes the warped and brightened image to Y, unrounded. Returns this thread's sum of lumas.</summary>
    private static float Warped(in SynthesisArgs p, int first, int at)
    {
        float shiftX = p.Plan[at], shiftY = p.Plan[at + 1], sin = p.Plan[at + 2];
        float cos = p.Plan[at + 3], brightness = p.Plan[at + 6], middle = 0.5f * p.Side, luma = 0;
        bool mirror = p.Plan[at + 4] != 0, overturn = p.Plan[at + 5] != 0;
        for (int i = Group.IdxX; i < p.Side * p.Side; i += GroupSize)
        {
            int x = i % p.Side, y = i / p.Side;
            float dx = (mirror ? p.Side - 1 - x : x) + 0.5f - middle - shiftX;
            float dy = (overturn ? p.Side - 1 - y : y) + 0.5f - middle - shiftY;
            var corners = new Corners(dx * cos + dy * sin + middle, dy * cos - dx * sin + middle, p.Side, p.Side);
            Colour a = p.Load(first, corners.Left, corners.Top);
            Colour b = p.Load(first, corners.Right, corners.Top);
            Colour c = p.Load(first, corners.Left, corners.Bottom);
            Colour d = p.Load(first, corners.Right, corners.Bottom);
            float r = corners.Mix(a.R, b.R, c.R, d.R) * brightness;
            float g = corners.Mix(a.G, b.G, c.G, d.G) * brightness;
            float blue = corners.Mix(a.B, b.B, c.B, d.B) * brightness;
            int to = 3 * (first + i);
            p.Y[to] = r;
            p.Y[to + 1] = g;
            p.Y[to + 2] = blue;
            luma += 0.299f * r + 0.587f * g + 0.114f * blue;
        }
        return luma;
    }

    /// <summary>Applies contrast, rounds and overwrites the image.</summary>
    private static void Contrasted(in SynthesisArgs p, int first, float mean, float contrast)
    {
        for (int i = Group.IdxX; i < p.Side * p.Side; i += GroupSize)
            for (int c = 3 * (first + i), end = c + 3; c < end; c++)
                p.Rgb[c] = (byte)Colour.Round(mean + contrast * (p.Y[c] - mean));
    }

    /// <summary>Writes confetti before the blur to Y: of each group of squares, the last that holds the
    /// pixel.</summary>
    private static void Field(in SynthesisArgs p, int first, int at, int coloured, int black)
    {
        for (int i = Group.IdxX; i < p.Side * p.Side; i += GroupSize)
        {
            float x = i % p.Side + 0.5f, y = i / p.Side + 0.5f, r = 0, g = 0, b = 0;
            for (int group = 0; group < 2; group++)
            {
                int begin = group == 0 ? 0 : coloured, s = group == 0 ? coloured : coloured + black;
                while (--s >= begin && !p.Holds(at + s * Square.Size, x, y)) { }
                if (s < begin) continue;
                int colour = at + s * Square.Size + 5;
                r += p.Plan[colour];
                g += p.Plan[colour + 1];
                b += p.Plan[colour + 2];
            }
            int to = 3 * (first + i);
            p.Y[to] = r;
            p.Y[to + 1] = g;
            p.Y[to + 2] = b;
        }
    }

    /// <summary>Blurs the field in Y along the rows, into Other.</summary>
    private static void AlongRows(in SynthesisArgs p, int first, int at, int squares)
    {
        for (int i = Group.IdxX; i < p.Side * p.Side; i += GroupSize)
        {
            int x = i % p.Side, row = first + i - x, to = 3 * (first + i);
            float r = 0, g = 0, b = 0;
            if (p.IsNear(at, squares, x, i / p.Side))
            {
                for (int k = 0; k <= 2 * p.Radius; k++)
                {
                    int from = 3 * (row + IntrinsicMath.Clamp(x + k - p.Radius, 0, p.Side - 1));
                    r += p.Plan[k] * p.Y[from];
                    g += p.Plan[k] * p.Y[from + 1];
                    b += p.Plan[k] * p.Y[from + 2];
                }
            }
            p.Other[to] = r;
            p.Other[to + 1] = g;
            p.Other[to + 2] = b;
        }
    }

    /// <summary>This thread's part of the sum of a piece's lumas just before its contrast changes.</summary>
    private static float LumaBeforeContrast(in SynthesisArgs p, int first, int at)
    {
        int left = (int)p.Plan[at], top = (int)p.Plan[at + 1], width = (int)p.Plan[at + 2];
        int pixels = width * (int)p.Plan[at + 3];
        float sum = 0;
        for (int i = Group.IdxX; i < pixels; i += GroupSize)
            sum += p.Recoloured(p.Load(first, left + i % width, top + i / width), at + Piece.FirstChange, 0,
                stopsAtContrast: true).Luma;
        return sum;
    }

    /// <summary>Writes the final pixels, normalised. A thread does a column of a cell, so that a warp's accesses
    /// coalesce, and records how many of its pixels changed; returns that count over all its columns.</summary>
    private static int Finish(in SynthesisArgs p, int first, int at, int coloured, int black, float lumas)
    {
        const int size = SynthesisOptions.Cell;
        int columns = p.Side * p.Side / size, changed = 0, mean = 0;
        if (coloured == AnomalyDraw.IsPiece)
        {
            float pixels = p.Plan[at + 2] * p.Plan[at + 3];
            mean = (int)(lumas / pixels + 0.5f);
        }
        for (int i = Group.IdxX; i < columns; i += GroupSize)
        {
            int x = i % p.Side, top = i / p.Side * size, changedHere = 0;
            for (int y = top; y < top + size; y++)
            {
                Colour before = p.Load(first, x, y), after = before;
                if (coloured == AnomalyDraw.IsPiece) after = Pasted(p, first, at, mean, x, y, before);
                else if (p.IsNear(at, coloured + black, x, y)) after = Scattered(p, first, x, y, before);
                int change = IntrinsicMath.Max(IntrinsicMath.Abs(after.R - before.R),
                    IntrinsicMath.Max(IntrinsicMath.Abs(after.G - before.G), IntrinsicMath.Abs(after.B - before.B)));
                if (change >= p.MinChange) changedHere++;
                p.How.Write(p.Y, first + y * p.Side + x, after.R, after.G, after.B);
            }
            p.Changed[first / size + i] = changedHere;
            changed += changedHere;
        }
        return changed;
    }

    /// <summary>A thread labels whole cells: eight adjacent columns.</summary>
    private static void Label(in SynthesisArgs p, int n)
    {
        const int size = SynthesisOptions.Cell;
        int cells = p.Side / size * (p.Side / size);
        for (int cell = n * cells + Group.IdxX; cell < (n + 1) * cells; cell += GroupSize)
        {
            float changed = 0;
            for (int i = 0; i < size; i++) changed += p.Changed[cell * size + i];
            p.Labels[cell] = IntrinsicMath.Clamp((int)changed - p.CellLimit, 0, 1);
        }
    }
}
