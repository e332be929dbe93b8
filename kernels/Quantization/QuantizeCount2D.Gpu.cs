using ILGPU;

namespace MlffAd.Kernels;

public static partial class QuantizeCount2D
{
    /// <summary>A thread per pair of eight levels.</summary>
    private const int GroupSize = 64;

    internal readonly record struct Count2DArgs(GpuRows M, GpuRows Range, GpuRows Rows, GpuRows DRows, GpuRows Dm,
        Quantization Q, int Side, int Add);

    private static readonly GpuKernel<Count2DArgs> ForwardLauncher = new("quantization.count2d", ForwardBody,
        GroupSize, 6 * GroupSize * sizeof(float));

    private static readonly GpuKernel<Count2DArgs> GradientLauncher = new("quantization.count2d.gradient",
        GradientBody, GroupSize, GroupSize * sizeof(float));

    static partial void ForwardGpu(Tensor m, int side, Quantization q, Tensor range, Tensor rows) =>
        ForwardLauncher.Launch(m.Device, range.Rows, new Count2DArgs(M: m.Gpu, Range: range.Gpu, Rows: rows.Gpu,
            DRows: rows.Gpu, Dm: m.Gpu, Q: q, Side: side, Add: 0));

    static partial void GradientGpu(Tensor m, int side, Quantization q, Tensor range, Tensor rows, Tensor dRows,
        Tensor dm, bool add) =>
        GradientLauncher.Launch(m.Device, range.Rows, new Count2DArgs(M: m.Gpu, Range: range.Gpu, Rows: rows.Gpu,
            DRows: dRows.Gpu, Dm: dm.Gpu, Q: q, Side: side, Add: add ? 1 : 0));

    /// <summary>One group per region, one thread per pair of levels (a, b): loops over the pairs of cells, whose first
    /// and last levels the group computes once, and gathers E_a·E_b.</summary>
    private static void ForwardBody(Count2DArgs p)
    {
        var upper = SharedMemory.Allocate<float>(GroupSize);
        var upperFirst = SharedMemory.Allocate<int>(GroupSize);
        var upperLast = SharedMemory.Allocate<int>(GroupSize);
        var lower = SharedMemory.Allocate<float>(GroupSize);
        var lowerFirst = SharedMemory.Allocate<int>(GroupSize);
        var lowerLast = SharedMemory.Allocate<int>(GroupSize);
        int t = Group.IdxX, region = Grid.IdxX, cells = p.Side * p.Side, first = region * cells;
        var levels = GroupRange.Find(p.M, p.Range, region, cells, p.Q, upper, upperFirst);
        int pairs = levels.Count * levels.Count, edge = p.Side - 1, neighbours = edge * edge;
        float total = 0;
        for (int block = 0; block < pairs; block += GroupSize)
        {
            int a = (block + t) / levels.Count, b = (block + t) % levels.Count, row = region * pairs + block + t;
            float levelA = levels.Level(a), levelB = levels.Level(b), count = 0;
            for (int start = 0; start < neighbours; start += GroupSize)
            {
                int size = neighbours - start < GroupSize ? neighbours - start : GroupSize;
                float part = 0;
                if (t < size)
                {
                    int i = first + (start + t) / edge * p.Side + (start + t) % edge;
                    upper[t] = p.M[i, 0];
                    upperFirst[t] = levels.First(upper[t]);
                    upperLast[t] = levels.Last(upper[t]);
                    lower[t] = p.M[i + p.Side + 1, 0];
                    lowerFirst[t] = levels.First(lower[t]);
                    lowerLast[t] = levels.Last(lower[t]);
                }
                Group.Barrier();
                for (int i = 0; i < size; i++)
                {
                    if (a < upperFirst[i] || a > upperLast[i] || b < lowerFirst[i] || b > lowerLast[i]) continue;
                    float da = levelA - upper[i], db = levelB - lower[i];
                    if (levels.Sees(da) && levels.Sees(db)) part += Levels.Code(da) * Levels.Code(db);
                }
                count += part;
                Group.Barrier();
            }
            if (block + t < pairs)
            {
                p.Rows[row, 0] = levelA;
                p.Rows[row, 1] = levelB;
                p.Rows[row, 2] = count;
                total += count;
            }
        }
        total = GroupReduce.Sum(upper, total);
        for (int pair = t; pair < pairs; pair += GroupSize)
            p.Rows[region * pairs + pair, 2] /= total + QuantizeCount1D.Epsilon;
    }

    /// <summary>One group per region; a thread takes every 64th cell.</summary>
    private static void GradientBody(Count2DArgs p)
    {
        var shared = SharedMemory.Allocate<float>(GroupSize);
        int t = Group.IdxX, region = Grid.IdxX, side = p.Side, cells = side * side;
        int first = region * cells, edge = side - 1;
        var levels = new Levels(p.Q, p.Range[region, 0], p.Range[region, 1]);
        int pairs = levels.Count * levels.Count, row = region * pairs;
        float total = 0, mean = 0, dLo = 0, dHi = 0;
        for (int i = t; i < edge * edge; i += GroupSize)
        {
            int cell = first + i / edge * side + i % edge;
            total += levels.Sum(p.M[cell, 0]) * levels.Sum(p.M[cell + side + 1, 0]);
        }
        for (int pair = t; pair < pairs; pair += GroupSize)
        {
            float a = levels.Weight(pair / levels.Count);
            float b = levels.Weight(pair % levels.Count);
            float dA = p.DRows[row + pair, 0], dB = p.DRows[row + pair, 1];
            mean += p.DRows[row + pair, 2] * p.Rows[row + pair, 2];
            dLo += (1 - a) * dA + (1 - b) * dB;
            dHi += a * dA + b * dB;
        }
        total = GroupReduce.Sum(shared, total);
        mean = GroupReduce.Sum(shared, mean);
        for (int i = t; i < cells; i += GroupSize)
        {
            int y = i / side, x = i % side;
            float v = p.M[first + i, 0], sum = 0;
            int last = levels.Last(v);
            for (int n = levels.First(v); n <= last; n++)
            {
                float d = levels.Level(n) - v;
                if (!levels.Sees(d)) continue;
                float g = 0;
                if (y < edge && x < edge)
                    g += Neighbour(p, levels, p.M[first + i + side + 1, 0], row + n * levels.Count, 1, mean);
                if (y > 0 && x > 0)
                    g += Neighbour(p, levels, p.M[first + i - side - 1, 0], row + n, levels.Count, mean);
                float part = Levels.ToSimilarity(d, g / (total + QuantizeCount1D.Epsilon)), weight = levels.Weight(n);
                sum += part;
                dLo -= (1 - weight) * part;
                dHi -= weight * part;
            }
            p.Dm[first + i, 0] = p.Add != 0 ? p.Dm[first + i, 0] + sum : sum;
        }
        GroupRange.Spread(p.Range, region, cells, GroupReduce.Sum(shared, dLo), GroupReduce.Sum(shared, dHi), p.Dm);
    }

    /// <summary>Σ_l E_l (dP_l − mean) over the neighbour's levels l, whose pairs with the cell's level lie
    /// <paramref name="stride"/> rows apart.</summary>
    private static float Neighbour(Count2DArgs p, Levels levels, float v, int row, int stride, float mean)
    {
        float sum = 0;
        int last = levels.Last(v);
        for (int l = levels.First(v); l <= last; l++)
        {
            float d = levels.Level(l) - v;
            if (levels.Sees(d)) sum += Levels.Code(d) * (p.DRows[row + l * stride, 2] - mean);
        }
        return sum;
    }
}
