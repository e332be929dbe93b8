namespace MlffAd.Tests.Runtime;

public sealed class PeakMeterTests
{
    public static TheoryData<string> Devices => TestDevices.Timed;

    [DeviceTheory, MemberData(nameof(Devices))]
    public void WhatADeviceDoesAtBestIsMoreThanNothing(string id)
    {
        using var lease = TestDevices.Borrow(id);
        using var meter = new PeakMeter(lease.Device);
        var peaks = meter.Measure();
        Assert.InRange(peaks.Fma, 1, 1e7);
        Assert.InRange(peaks.Stream.Ceiling, 1, 1e5);
        Assert.Equal(peaks.Fma, peaks.Arithmetic("sgd.step"));
        Assert.Equal(peaks.Product, peaks.Arithmetic("convolution.gradient.weight"));
    }
}
