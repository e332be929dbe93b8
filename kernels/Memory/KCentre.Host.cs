namespace MlffAd.Kernels;

public static unsafe partial class KCentre
{
    internal static Coreset ChooseHost(Tensor pool, int count, Action<int>? onChosen, CancellationToken stop)
    {
        using var search = new FarthestSearch(pool, count);
        var (indices, radii) = (new List<int>(count), new List<float>(count));
        int next = Central(pool);
        while (true)
        {
            indices.Add(next);
            double square = search.Choose(next, out next, stop);
            radii.Add((float)Math.Sqrt(square));
            if (indices.Count % 64 == 0) onChosen?.Invoke(indices.Count);
            if (indices.Count == count || square == 0) break;
        }
        onChosen?.Invoke(indices.Count);
        return new Coreset([.. indices], [.. radii]);
    }

    /// <summary>Row of the vector nearest the mean; the first of equals.</summary>
    private static int Central(Tensor pool)
    {
        double[] sums = new double[pool.C], squares = new double[pool.Rows];
        var team = pool.Device.Team;
        team.For(pool.C, new SumJob(pool.Host, pool.Rows, sums), pool.Rows);
        float[] mean = Mean(sums, pool.Rows);
        team.For(pool.Rows, new DistanceJob(pool.Host, pool.C, mean, squares), pool.C);
        return Array.IndexOf(squares, squares.Min());
    }

    /// <summary>Items are columns, each summed in row order on any number of threads.</summary>
    private readonly struct SumJob(HostRows rows, int count, double[] sums) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = 0; i < count; i++)
            {
                float* x = rows.Row(i);
                for (int k = begin; k < end; k++) sums[k] += x[k];
            }
        }
    }

    private readonly struct DistanceJob(HostRows rows, int width, float[] to, double[] squares) : IJob
    {
        public void Run(int begin, int end)
        {
            fixed (float* mean = to)
                for (int i = begin; i < end; i++) squares[i] = Ranks.SquaredDistance(rows.Row(i), mean, width);
        }
    }
}
