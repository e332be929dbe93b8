using System.Diagnostics;
using static System.StringComparison;

namespace MlffAd.Tests.Data;

/// <summary>Images that are decoded at a time share a budget of bytes; one for which there is no memory is an error by
/// name.</summary>
public sealed class DecodingRoomTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(100, 8)]    // room for all that threads ask for
    [InlineData(30, 3)]
    [InlineData(29, 2)]
    [InlineData(10, 1)]
    [InlineData(1, 1)]      // larger than the budget: alone
    public void NoMoreAreDecodedAtATimeThanThereIsRoomFor(long budget, int most)
    {
        int running = 0, seen = 0;
        var gate = new Lock();
        var items = Enumerable.Range(0, 24).Select(i => new ImageItem($"{i}", $"{i}", DataSet.Good)).ToList();
        var order = DecodedImage.Ahead(items, _ => 10, item =>
        {
            int now = Interlocked.Increment(ref running);
            lock (gate) seen = Math.Max(seen, now);
            Thread.Sleep(10);
            Interlocked.Decrement(ref running);
            return new(item, null, null, null);
        }, threads: 7, budget).Select(image => image.Item).ToList();
        Assert.Equal(items, order);
        Assert.InRange(seen, 1, most);
    }

    [Fact]
    public void ALargeOneWaitsForTheSmallOnesAndTheyForIt()
    {
        int[] sizes = [1, 1, 50, 1, 200, 1, 1];
        var items = sizes.Select((s, i) => new ImageItem($"{i}", $"{s}", DataSet.Good)).ToList();
        long taken = 0, most = 0;
        var gate = new Lock();
        foreach (var _ in DecodedImage.Ahead(items, Bytes, item =>
        {
            long now = Interlocked.Add(ref taken, Bytes(item));
            if (Bytes(item) < 100) lock (gate) most = Math.Max(most, now);
            Thread.Sleep(10);
            Interlocked.Add(ref taken, -Bytes(item));
            return new(item, null, null, null);
        }, threads: 4, budget: 52)) { }
        Assert.InRange(most, 50, 52);

        static long Bytes(ImageItem item) => long.Parse(item.Name, System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void WhatAnImageTakesIsTakenFromItsHeader()
    {
        var image = ImageFileTests.Noise(40, 30);
        string png = Save("a.png", ImageFile.EncodePng(image));
        string tiff = Save("a.tif", new TiffBytes().Make((TiffBytes.Grey(40, 30), [new byte[1200]])));
        foreach (string path in new[] { png, tiff })
        {
            Assert.Equal(10 * 1200 + new FileInfo(path).Length, ImageFile.Footprint(path, 1200));
            // Refused, it takes no more than its file.
            Assert.Equal(new FileInfo(path).Length, ImageFile.Footprint(path, 1199));
        }
        Assert.Equal(4, ImageFile.Footprint(Save("a.txt", [1, 2, 3, 4]), 1200));
        Assert.Equal(0, ImageFile.Footprint(Path.Combine(_folder, "nowhere"), 1200));
        var directory = TiffBytes.Grey(40, 30);
        directory[256] = directory[257] = [uint.MaxValue];
        byte[] vast = new TiffBytes().Make((directory, [new byte[8]]));
        Assert.Equal(vast.Length, ImageFile.Footprint(Save("vast.tif", vast), int.MaxValue));
    }

    [Fact]
    public async Task AnImageForWhichThereIsNoMemoryIsNamed()
    {
        var small = ImageFileTests.Noise(40, 30);
        for (int i = 0; i < 9; i++) Save($"{i}.png", ImageFile.EncodePng(small));
        Save("vast.png", PngBytes.Make(8000, 6000, 1, 0, new byte[1000 * 6000]));
        string program = OperatingSystem.IsWindows() ? "MlffAd.Cli.exe" : "MlffAd.Cli";
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, program), ["inspect", _folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_GCHeapHardLimit"] = "0x8000000" },
        };
        using var run = Process.Start(start)!;
        var stop = TestContext.Current.CancellationToken;
        string[] said = await Task.WhenAll(
            run.StandardOutput.ReadToEndAsync(stop), run.StandardError.ReadToEndAsync(stop));
        await run.WaitForExitAsync(stop);
        Assert.Contains("vast.png' is unusable: there is not enough memory", string.Concat(said), Ordinal);
        Assert.Equal(3, run.ExitCode);
    }

    private string Save(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
