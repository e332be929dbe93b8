using MlffAd.Tests.Kernels;

namespace MlffAd.Tests.Runtime;

public sealed class UploadTests
{
    public static TheoryData<string> FastDevices => TestDevices.Fast;

    [Theory, MemberData(nameof(FastDevices))]
    public void WhatIsBroughtWhileTheLastIsUsedArrivesWhole(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var upload = new Upload(lease.Device, 5000, "new");
        using var to = Tensor.Rent(lease.Device, new Shape(5, 10, 10, 10), "to");
        float[] next = Gradients.Random(5000, seed: 0);
        upload.Begin(next);
        for (int i = 1; i <= 6; i++)
        {
            var part = to.Items(0, next.Length / 1000);
            float[] expected = [.. next];
            Pointwise.Copy(upload.End(), part.Reshape(Shape.Of((int)part.Count)));
            next = Gradients.Random(i % 2 == 0 ? 5000 : 2000, seed: i);
            upload.Begin(next);
            Array.Clear(next);   // it may be changed at once
            Assert.Equal(expected, part.ToArray());
            next = Gradients.Random(i % 2 == 0 ? 5000 : 2000, seed: i);
        }
    }

    [Theory, MemberData(nameof(FastDevices))]
    public void MoreThanThereIsRoomForMakesRoom(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var upload = new Upload(lease.Device, 100, "new");
        foreach (int count in new[] { 100, 60, 3000, 60, 3100, 100, 9000 })
        {
            float[] values = Gradients.Random(count, seed: count);
            upload.Begin(values);
            Assert.Equal(values, upload.End().ToArray());
        }
    }
}
