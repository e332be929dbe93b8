namespace MlffAd.Kernels;

public static unsafe partial class Synthesis
{
    /// <summary>Items are images.</summary>
    private static void Host(Tensor book, SynthesisOptions options, PixelNormalisation how, Tensor images,
        Tensor labels, Tensor stayedGood) =>
        images.Device.Team.For(images.Shape.N, new Images(book: book.Host.Data, images: images.Host.Data,
            labels: labels.Host.Data, stayedGood: stayedGood.Host.Data, count: images.Shape.N, options: options,
            how: how));

    private readonly struct Images(float* book, float* images, float* labels, float* stayedGood, int count,
        SynthesisOptions options, PixelNormalisation how) : IJob
    {
        public void Run(int begin, int end)
        {
            var make = new Synthesizer(options);
            var mask = new byte[options.Pixels];
            int bytes = 3 * options.Pixels;
            float* plan = book + count * RecipeBook.ImageFloats(options.Side);
            for (int n = begin; n < end; n++)
            {
                var image = new Span<byte>((byte*)book + (long)n * bytes, bytes);
                float* at = plan + BitConverter.SingleToInt32Bits(plan[options.Taps.Length + n]);
                if (*at++ != 0) make.Apply(Warp.Read(new(at, Warp.Size)), image);
                at += Warp.Size;
                int draws = (int)*at++;
                bool drawn = make.Apply(Draws(ref at, draws), image, mask);
                make.Label(mask, new(labels + (long)n * options.Cells, options.Cells));
                stayedGood[n] = draws > 0 && !drawn ? 1 : 0;
                Normalise.Forward(image, new(images + (long)n * bytes, bytes), how);
            }
        }

        private static AnomalyDraw[] Draws(ref float* at, int count)
        {
            var draws = new AnomalyDraw[count];
            for (int i = 0; i < count; i++)
            {
                int coloured = (int)*at++, black = (int)*at++;
                if (coloured == AnomalyDraw.IsPiece) draws[i] = new(Piece.Read(new(at, Piece.Size)));
                else draws[i] = new(Squares(at, coloured), Squares(at + coloured * Square.Size, black));
                at += coloured == AnomalyDraw.IsPiece ? Piece.Size : (coloured + black) * Square.Size;
            }
            return draws;
        }

        private static Square[] Squares(float* at, int count)
        {
            var squares = new Square[count];
            for (int i = 0; i < count; i++) squares[i] = Square.Read(new(at + i * Square.Size, Square.Size));
            return squares;
        }
    }
}
