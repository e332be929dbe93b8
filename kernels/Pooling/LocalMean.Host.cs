using System.Numerics;

namespace MlffAd.Kernels;

public static unsafe partial class LocalMean
{
    internal static void RunHost(Tensor x, Tensor y, LocalWindow window, bool isGradient, bool add)
    {
        float[] weights = [.. Enumerable.Range(0, window.Radius + 1).Select(window.Weight)];
        var job = new Job(x: x, y: y, weights: weights, inverseY: window.InverseSums(x.Shape.H),
            inverseX: window.InverseSums(x.Shape.W), isGradient: isGradient, add: add);
        int taps = (2 * window.Radius + 1) * (2 * window.Radius + 1);
        y.Device.Team.For(y.Rows, job, taps * y.C);
    }

    /// <summary>Items are positions. Forward divides by the sum of weights around the position itself, the gradient by
    /// that around each neighbour.</summary>
    private readonly struct Job(
        Tensor x, Tensor y, float[] weights, float[] inverseY, float[] inverseX, bool isGradient, bool add) : IJob
    {
        public void Run(int begin, int end)
        {
            int h = x.Shape.H, w = x.Shape.W, radius = weights.Length - 1;
            for (int p = begin; p < end; p++)
            {
                int column = p % w, row = p / w % h;
                float* to = y.Host.Row(p);
                if (!add) new Span<float>(to, y.C).Clear();
                for (int dy = Math.Max(-radius, -row); dy <= Math.Min(radius, h - 1 - row); dy++)
                    for (int dx = Math.Max(-radius, -column); dx <= Math.Min(radius, w - 1 - column); dx++)
                    {
                        float inverse = isGradient ? inverseY[row + dy] * inverseX[column + dx]
                            : inverseY[row] * inverseX[column];
                        float weight = weights[Math.Abs(dy)] * weights[Math.Abs(dx)] * inverse;
                        Accumulate(x.Host.Row(p + dy * w + dx), weight, to, y.C);
                    }
            }
        }

        private static void Accumulate(float* x, float weight, float* y, int count)
        {
            int c = 0;
            for (; c <= count - Vector<float>.Count; c += Vector<float>.Count)
                Vector.MultiplyAddEstimate(Vector.Load(x + c), new(weight), Vector.Load(y + c)).Store(y + c);
            for (; c < count; c++) y[c] += weight * x[c];
        }
    }
}
