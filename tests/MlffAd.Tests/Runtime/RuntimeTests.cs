namespace MlffAd.Tests.Runtime;

public sealed class RuntimeTests
{
    public static TheoryData<string> Devices => TestDevices.All;

    [Theory, MemberData(nameof(Devices))]
    public void WhatIsWrittenIsRead(string id)
    {
        using var lease = TestDevices.Borrow(id);
        float[] values = Gradients.Random(2 * 3 * 4 * 5, seed: 1);
        using var whole = Tensor.Rent(lease.Device, new Shape(2, 3, 4, 8), "whole");
        var slice = whole.Slice(2, 5);
        slice.Write(values);
        Assert.Equal(values, slice.ToArray());
        Assert.Equal(values[(values.Length / 2)..], slice.Items(1, 1).ToArray());
        Assert.Equal(values, slice.Reshape(new Shape(1, 6, 4, 5)).ToArray());
    }

    [Fact]
    public void ATensorThatNoBufferHoldsIsTheDevicesMatter()
    {
        using var device = Device.Open("cpu", threads: 1);
        var e = Assert.Throws<DeviceException>(() => Tensor.Rent(device, new Shape(4096, 128, 128, 64), "large"));
        Assert.Contains("--batch", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AfterTheFirstRoundThePoolAllocatesNothing()
    {
        using var device = Device.Open("cpu", threads: 1);
        void Round(int n)
        {
            using var a = Tensor.Rent(device, new Shape(n, 8, 8, 16), "a", capacity: 8 * 8 * 8 * 16);
            using (Tensor.Rent(device, new Shape(n, 4, 4, 16), "b", capacity: 8 * 4 * 4 * 16)) { }
            using var c = Tensor.Rent(device, new Shape(n, 4, 4, 16), "c", capacity: 8 * 4 * 4 * 16);
        }
        Round(8);
        int allocations = device.Pool.Allocations;
        for (int i = 0; i < 3; i++) Round(i == 1 ? 3 : 8);
        Assert.Equal(allocations, device.Pool.Allocations);
        device.Pool.AssertLive(0);
    }

    [Fact]
    public void ALeakAndAUseAfterReturnNameTheTensor()
    {
        using var device = Device.Open("cpu", threads: 1);
        var lost = Tensor.Rent(device, new Shape(1, 1, 1, 4), "layer1.0.out");
        Assert.Contains("layer1.0.out",
            Assert.Throws<InvalidOperationException>(() => device.Pool.AssertLive(0)).Message,
            StringComparison.Ordinal);
        var view = lost.Slice(0, 2);
        lost.Dispose();
        Assert.Contains("layer1.0.out", Assert.Throws<ObjectDisposedException>(() => view.ToArray()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void TheTeamCoversEveryItemOnceAndPassesOnFailures()
    {
        using var team = new ThreadTeam(4);
        for (int items = 0; items < 40; items++)
        {
            var hits = new int[items];
            team.For(items, new Count(hits));
            Assert.All(hits, h => Assert.Equal(1, h));
        }
        Assert.Throws<DivideByZeroException>(() => team.For(8, new Fail()));
        team.For(1, new Count(new int[1]));
    }

    [Fact]
    public unsafe void SharesAreTakenOnceTheirOwnersFirst()
    {
        const int parts = 3;
        using var team = new ThreadTeam(parts);
        int* next = stackalloc int[parts * Shares.Pitch];
        for (int items = 0; items < 40; items++)
        {
            new Span<int>(next, parts * Shares.Pitch).Clear();
            var hits = new int[items];
            team.For(parts, new Take(new Shares(next, items, parts), hits));
            Assert.All(hits, h => Assert.Equal(1, h));
        }
        new Span<int>(next, parts * Shares.Pitch).Clear();
        var shares = new Shares(next, 8, parts);
        Assert.Equal([5, 6, 7, 0, 1, 2, 3, 4, -1], Enumerable.Range(0, 9).Select(_ => shares.Take(2)));
    }

    [Fact]
    public void TheTeamAllocatesNothing()
    {
        using var team = new ThreadTeam(3);
        var hits = new int[9];
        team.For(9, new Count(hits));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) team.For(9, new Count(hits));
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void AnUnknownDeviceIsRefusedWithTheKnownOnes()
    {
        foreach (string id in new[] { "gpu", "cuda:99", "opencl:x", "cpu:1" })
            Assert.Contains("cpu", Assert.Throws<DeviceException>(() => Device.Open(id)).Message,
                StringComparison.Ordinal);
    }

    private readonly struct Count(int[] hits) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++) Interlocked.Increment(ref hits[i]);
        }
    }

    private readonly struct Take(Shares shares, int[] hits) : IJob
    {
        public void Run(int begin, int end)
        {
            for (int part = begin; part < end; part++)
                for (int item; (item = shares.Take(part)) >= 0;) Interlocked.Increment(ref hits[item]);
        }
    }

    private readonly struct Fail : IJob
    {
        public void Run(int begin, int end)
        {
            if (end == 8) throw new DivideByZeroException();
        }
    }
}
