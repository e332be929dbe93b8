using ILGPU;

namespace MlffAd.Kernels;

public static partial class QuantizeCount1D
{
    private const int GroupSize = 128;

    internal readonly record struct Count1DArgs(GpuRows M, GpuRows Range, GpuRows Rows, GpuRows DRows, GpuRows Dm,
        Quantization Q, int Cells, int Add);

    private static readonly GpuKernel<Count1DArgs> ForwardLauncher = new("quantization.count1d", ForwardBody,
        GroupSize, 4 * GroupSize * sizeof(float));

    private static readonly GpuKernel<Count1DArgs> GradientLauncher = new("quantization.count1d.gradient",
        GradientBody, GroupSize, GroupSize * sizeof(float));

    static partial void ForwardGpu(Tensor m, Quantization q, Tensor range, Tensor rows) =>
        ForwardLauncher.Launch(m.Device, m.Shape.N, new Count1DArgs(M: m.Gpu, Range: range.Gpu, Rows: rows.Gpu,
            DRows: rows.Gpu, Dm: m.Gpu, Q: q, Cells: m.Shape.Area, Add: 0));

    static partial void GradientGpu(Tensor m, Quantization q, Tensor range, Tensor rows, Tensor dRows, Tensor dm,
        bool add) =>
        GradientLauncher.Launch(m.Device, m.Shape.N, new Count1DArgs(M: m.Gpu, Range: range.Gpu, Rows: rows.Gpu,
            DRows: dRows.Gpu, Dm: dm.Gpu, Q: q, Cells: m.Shape.Area, Add: add ? 1 : 0));

    /// <summary>One group per image, one thread per level: reads every position's first and last level, computed once
    /// by the group, and gathers those that its level sees. No atomics; each sum runs over the positions in
    /// order.</summary>
    private static void ForwardBody(Count1DArgs p)
    {
        var values = SharedMemory.Allocate<float>(GroupSize);
        var firsts = SharedMemory.Allocate<int>(GroupSize);
        var lasts = SharedMemory.Allocate<int>(GroupSize);
        int t = Group.IdxX, image = Grid.IdxX, first = image * p.Cells;
        var levels = GroupRange.Find(p.M, p.Range, image, p.Cells, p.Q, values, firsts);
        float total = 0;
        for (int block = 0; block < levels.Count; block += GroupSize)
        {
            int n = block + t;
            float level = levels.Level(n), count = 0;
            for (int start = 0; start < p.Cells; start += GroupSize)
            {
                int size = p.Cells - start < GroupSize ? p.Cells - start : GroupSize;
                float part = 0;
                if (t < size)
                {
                    values[t] = p.M[first + start + t, 0];
                    firsts[t] = levels.First(values[t]);
                    lasts[t] = levels.Last(values[t]);
                }
                Group.Barrier();
                for (int i = 0; i < size; i++)
                {
                    float d = level - values[i];
                    if (n >= firsts[i] && n <= lasts[i] && levels.Sees(d)) part += Levels.Code(d);
                }
                count += part;
                Group.Barrier();
            }
            if (n < levels.Count)
            {
                p.Rows[image * levels.Count + n, 0] = level;
                p.Rows[image * levels.Count + n, 1] = count;
                total += count;
            }
        }
        total = GroupReduce.Sum(values, total);
        for (int n = t; n < levels.Count; n += GroupSize) p.Rows[image * levels.Count + n, 1] /= total + Epsilon;
    }

    /// <summary>One group per image; a thread takes every 128th position.</summary>
    private static void GradientBody(Count1DArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int t = Group.IdxX, image = Grid.IdxX, first = image * p.Cells, row = image * p.Q.Levels;
        var levels = new Levels(p.Q, p.Range[image, 0], p.Range[image, 1]);
        float total = 0, mean = 0, dLo = 0, dHi = 0;
        for (int i = t; i < p.Cells; i += GroupSize) total += levels.Sum(p.M[first + i, 0]);
        for (int n = t; n < levels.Count; n += GroupSize)
        {
            mean += p.DRows[row + n, 1] * p.Rows[row + n, 1];
            dLo += (1 - levels.Weight(n)) * p.DRows[row + n, 0];
            dHi += levels.Weight(n) * p.DRows[row + n, 0];
        }
        total = GroupReduce.Sum(shared, total);
        mean = GroupReduce.Sum(shared, mean);
        for (int i = t; i < p.Cells; i += GroupSize)
        {
            float v = p.M[first + i, 0], sum = 0;
            int last = levels.Last(v);
            for (int n = levels.First(v); n <= last; n++)
            {
                float d = levels.Level(n) - v;
                if (!levels.Sees(d)) continue;
                float part = Levels.ToSimilarity(d, (p.DRows[row + n, 1] - mean) / (total + Epsilon));
                float weight = levels.Weight(n);
                sum += part;
                dLo -= (1 - weight) * part;
                dHi -= weight * part;
            }
            p.Dm[first + i, 0] = p.Add != 0 ? p.Dm[first + i, 0] + sum : sum;
        }
        GroupRange.Spread(p.Range, image, p.Cells, GroupReduce.Sum(shared, dLo), GroupReduce.Sum(shared, dHi), p.Dm);
    }
}
