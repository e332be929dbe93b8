using ILGPU;

namespace MlffAd.Tests.Runtime;

public sealed class LastGroupTests
{
    internal readonly record struct Args(GpuRows Parts, GpuRows Sums, ArrayView<int> Counters, int Columns);

    private static readonly GpuKernel<Args> Launcher = new("test.last", Body, 64, 64 * sizeof(float));

    public static TheoryData<string> Gpus =>
        [.. TestDevices.Fast.Where(row => row.Data != "cpu").Select(row => row.Data)];

    [DeviceTheory, MemberData(nameof(Gpus))]
    public void OneGroupOfEachCounterSeesWhatAllHaveWritten(string id)
    {
        using var lease = TestDevices.Borrow(id);
        const int groups = 300, counters = 5;
        using var parts = Tensor.Rent(lease.Device, Shape.Of(1, groups * counters, 64), "parts");
        using var sums = Tensor.Rent(lease.Device, Shape.Of(1, counters, 64), "sums");
        for (int again = 0; again < 20; again++)
        {
            parts.Write(new float[parts.Count]);
            sums.Write(new float[sums.Count]);
            Launcher.Launch(lease.Device, new Index3D(groups, counters, 1),
                new(parts.Gpu, sums.Gpu, ((GpuDevice)lease.Device).Counters, counters));
            Assert.Equal(Enumerable.Range(0, 64 * counters)
                .Select(i => groups * (groups - 1) / 2f + groups * (i % 64)), sums.ToArray());
        }
    }

    private static void Body(Args p)
    {
        var shared = SharedMemory.Allocate<float>(64);
        int t = Group.IdxX;
        p.Parts[Grid.IdxY * Grid.DimX + Grid.IdxX, t] = Grid.IdxX + t;
        if (!LastGroup.HasCome(shared, p.Counters, Grid.IdxY, Grid.DimX)) return;
        float sum = 0;
        for (int g = 0; g < Grid.DimX; g++) sum += p.Parts[Grid.IdxY * Grid.DimX + g, t];
        p.Sums[Grid.IdxY, t] += sum;   // a second group that took itself for the last would be seen
    }
}
