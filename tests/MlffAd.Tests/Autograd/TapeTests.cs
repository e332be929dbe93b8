namespace MlffAd.Tests.Autograd;

public sealed class TapeTests
{
    private static Value Make(Device device, Tape tape, string name, params float[] values)
    {
        var value = new Value(Shape.Of(values.Length), name) { NeedsGradient = true };
        value.Bind(Tensor.From(device, value.Shape, values, name));
        tape.Own(value);
        return value;
    }

    /// <summary>y = 3·x as a step.</summary>
    private static Value Triple(Device device, Tape tape, Value x, Action<Tensor>? seen = null)
    {
        var y = Make(device, tape, "triple", [.. x.Tensor.ToArray().Select(v => 3 * v)]);
        tape.Record([y], () => y.Tensor.Write([.. x.Tensor.ToArray().Select(v => 3 * v)]), () =>
        {
            seen?.Invoke(y.Gradient);
            float[] dy = y.Gradient.ToArray();
            var dx = x.Receive(out bool add);
            float[] old = add ? dx.ToArray() : new float[dy.Length];
            dx.Write([.. dy.Zip(old, (d, o) => 3 * d + o)]);
        });
        return y;
    }

    private static void Seed(Value y, params float[] gradient) => y.Receive(out _).Write(gradient);

    [Fact]
    public void AValueUsedTwiceReceivesTheSumOfBothGradients()
    {
        using var lease = TestDevices.Borrow("cpu");
        var tape = new Tape();
        float[] dx = [];
        var root = Make(lease.Device, tape, "root", 1);
        var x = Triple(lease.Device, tape, root, g => dx = g.ToArray());
        Value a = Triple(lease.Device, tape, x), b = Triple(lease.Device, tape, x);
        Seed(a, 1);
        Seed(b, 10);
        tape.Backward();
        Assert.Equal([33f], dx);
    }

    [Fact]
    public void PartsAndWholeAddUpInOneGradient()
    {
        using var lease = TestDevices.Borrow("cpu");
        var tape = new Tape();
        var whole = Make(lease.Device, tape, "whole", 1, 2, 3);
        float[] gradient = [];
        tape.Record([whole], () => { }, () => gradient = whole.Gradient.ToArray());
        Pointwise.Fill(whole.Slice(1, 2).Receive(out bool addPart), 5);
        Assert.True(addPart);
        var all = whole.Receive(out bool addAll);
        Assert.True(addAll);
        all.Write([.. all.ToArray().Select(v => v + 1)]);
        tape.Backward();
        Assert.Equal([1f, 6f, 6f], gradient);
    }

    [Fact]
    public void WhatBackwardHasPassedIsFreedAndUsingItNamesIt()
    {
        using var lease = TestDevices.Borrow("cpu");
        long before = lease.Device.Pool.LiveBytes, during = 0;
        var tape = new Tape();
        var x = Make(lease.Device, tape, "early", 1);
        Value y = Triple(lease.Device, tape, x, _ => during = lease.Device.Pool.LiveBytes);
        Value z = Triple(lease.Device, tape, y);
        long full = lease.Device.Pool.LiveBytes;
        Seed(z, 1);
        var held = z.Tensor;
        tape.Backward();
        Assert.Equal(before, lease.Device.Pool.LiveBytes);
        // When y's step was passed, z and its gradient were gone; y's gradient had come.
        Assert.Equal(full, during);
        Assert.Contains("'triple'", Assert.Throws<ObjectDisposedException>(() => z.Tensor).Message,
            StringComparison.Ordinal);
        Assert.Contains("'triple'", Assert.Throws<ObjectDisposedException>(() => held.ToArray()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void StepsThatNoLossDependsOnAreSkipped()
    {
        using var lease = TestDevices.Borrow("cpu");
        var tape = new Tape();
        var x = Make(lease.Device, tape, "x", 1);
        bool ran = false;
        var dead = Triple(lease.Device, tape, x, _ => ran = true);
        tape.Backward();
        Assert.False(ran);
        Assert.Throws<ObjectDisposedException>(() => dead.Tensor);
    }

    [Fact]
    public void ClearingFreesEverything()
    {
        using var lease = TestDevices.Borrow("cpu");
        long before = lease.Device.Pool.LiveBytes;
        var tape = new Tape();
        Seed(Triple(lease.Device, tape, Make(lease.Device, tape, "x", 1)), 1);
        tape.Free();
        Assert.Equal(before, lease.Device.Pool.LiveBytes);
    }
}
