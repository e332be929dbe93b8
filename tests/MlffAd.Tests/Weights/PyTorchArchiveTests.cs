using System.IO.Compression;
using System.Text;

namespace MlffAd.Tests.Weights;

public sealed class PyTorchArchiveTests : IDisposable
{
    private static readonly (string, int[], float[])[] Two = [("a", [2, 3], [1, 2, 3, 4, 5, 6]),
        ("b.bias", [2], [-1, 0.5f])];

    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AStateDictionaryIsReadFromEitherContainer(bool legacy)
    {
        byte[] pickle = new TorchBytes().StateDict(Two, legacy).ToArray();
        byte[][] storages = [.. Two.Select(tensor => TorchBytes.Bytes<float>(tensor.Item3))];
        using var file = Open(legacy ? TorchBytes.Legacy(pickle, storages, 4) : TorchBytes.Zip(pickle, storages));
        Assert.Equal(["a", "b.bias"], file.Tensors.Keys);
        Assert.Equal([2, 3], file.Tensors["a"].Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6], file.ReadFloats("a"));
        Assert.Equal([-1, 0.5f], file.ReadFloats("b.bias"));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))),
            file.Hash());
    }

    [Theory]
    [InlineData("state_dict")]
    [InlineData("model")]
    [InlineData("model_state_dict")]
    public void ADictionaryInATrainingCheckpointIsFound(string key)
    {
        byte[] pickle = new TorchBytes().Op((byte)'}').Text("epoch").Number(7).Op((byte)'s').Text(key).StateDict(Two)
            .Op((byte)'s').ToArray();
        using var file =
            Open(TorchBytes.Zip(pickle, [TorchBytes.Bytes<float>(1, 2, 3, 4, 5, 6), TorchBytes.Bytes<float>(1, 2)]));
        Assert.Equal(["a", "b.bias"], file.Tensors.Keys);
    }

    [Fact]
    public void StridedViewsAndParametersAndOtherNumbersAreReadRight()
    {
        var pickle = new TorchBytes().Op((byte)'}', (byte)'(')
            .Text("transposed").Tensor("HalfStorage", "0", 7, 1, [2, 3], [1, 2])
            .Text("middle").Tensor("HalfStorage", "0", 7, 2, [3], [1])
            .Text("parameter").Global("torch._utils", "_rebuild_parameter").Tensor("LongStorage", "1", 1, 0, [], [])
            .Op(0x88).Global("collections", "OrderedDict").Op((byte)')', (byte)'R', 0x87, (byte)'R')
            .Text("empty").Tensor("LongStorage", "1", 1, 0, [0, 4], [4, 1])
            .Op((byte)'u').ToArray();
        byte[][] storages =
        [
            TorchBytes.Bytes<Half>((Half)9, (Half)1, (Half)2, (Half)3, (Half)4, (Half)5, (Half)6),
            TorchBytes.Bytes(41L),
        ];
        using var file = Open(TorchBytes.Zip(pickle, storages));
        Assert.Equal([1, 3, 5, 2, 4, 6], file.ReadFloats("transposed"));
        Assert.Equal([2, 3, 4], file.ReadFloats("middle"));
        Assert.Equal([41], file.ReadFloats("parameter"));
        Assert.Empty(file.ReadFloats("empty"));
        Assert.Equal(DType.F16, file.Tensors["transposed"].DType);
    }

    [Fact]
    public void AnOrderedDictionaryOfPythonTwoIsAListOfPairs()
    {
        byte[] pickle = new TorchBytes().Global("collections", "OrderedDict").Op((byte)']', (byte)']').Text("a")
            .Op((byte)'a')
            .Tensor("FloatStorage", "0", 1, 0, [1], [1]).Op((byte)'a', (byte)'a', 0x85, (byte)'R').ToArray();
        using var file = Open(TorchBytes.Zip(pickle, [TorchBytes.Bytes(2.5f)]));
        Assert.Equal([2.5f], file.ReadFloats("a"));
    }

    public static TheoryData<string, string, byte[]> Evil
    {
        get
        {
            static byte[] Dict(Func<TorchBytes, TorchBytes> value) =>
                value(new TorchBytes().Op((byte)'}').Text("a")).Op((byte)'s').ToArray();
            return new TheoryData<string, string, byte[]>
            {
                { "a shell command", "'os.system'", new TorchBytes().Global("os", "system")
                    .Text("touch owned-by-a-pickle").Op(0x85, (byte)'R').ToArray() },
                { "an evaluation", "'builtins.eval'",
                    new TorchBytes().Global("builtins", "eval").Text("1").Op(0x85, (byte)'R').ToArray() },
                { "a global by the stack", "'posix.system'",
                    new TorchBytes().Text("posix").Text("system").Op(0x93).ToArray() },
                { "a whole module", "'torchvision.models.resnet.ResNet'",
                    Dict(p => p.Global("torchvision.models.resnet", "ResNet")) },
                { "a global without end", "256 letters", new TorchBytes().Op((byte)'c').Op(new byte[300]).ToArray() },
                { "an instance", "opcode 0x81",
                    new TorchBytes().Global("collections", "OrderedDict").Op((byte)')', 0x81).ToArray() },
                { "an extension", "opcode 0x82", new TorchBytes().Op(0x82, 1).ToArray() },
                { "Python source", "opcode 0x69", new TorchBytes().Op((byte)'i').ToArray() },
                { "a call of no function", "no function",
                    new TorchBytes().Text("x").Op((byte)')', (byte)'R').ToArray() },
                { "a call of a storage", "no function",
                    new TorchBytes().Global("torch", "FloatStorage").Op((byte)')', (byte)'R').ToArray() },
                { "wrong arguments", "_rebuild_tensor_v2",
                    new TorchBytes().Global("torch._utils", "_rebuild_tensor_v2").Op((byte)')', (byte)'R').ToArray() },
                { "a state on a list", "no dictionary",
                    new TorchBytes().Op((byte)']', (byte)'}', (byte)'b').ToArray() },
                { "an item in a list", "no dictionary",
                    new TorchBytes().Op((byte)']', (byte)'N', (byte)'N', (byte)'s').ToArray() },
                { "an element of a dictionary", "no list",
                    new TorchBytes().Op((byte)'}', (byte)'N', (byte)'a').ToArray() },
                { "an empty stack", "more values", new TorchBytes().Op((byte)'a').ToArray() },
                { "values before a mark", "more values", new TorchBytes().Op((byte)'N', (byte)'(', 0x85).ToArray() },
                { "no mark", "no mark", new TorchBytes().Op((byte)'t').ToArray() },
                { "an unset memo", "memo 9", new TorchBytes().Op((byte)'h', 9).ToArray() },
                { "a newer protocol", "protocol 9", new TorchBytes().Op(0x80, 9).ToArray() },
                { "a string of 4 GB", "string of 4294967295 bytes",
                    new TorchBytes().Op((byte)'X', 255, 255, 255, 255).ToArray() },
                { "a pickle that ends early", "ends early", new TorchBytes().Op((byte)'X', 255, 0, 0, 0).ToArray() },
                { "a description without end", "more than 4194304 bytes",
                    new TorchBytes().Op([.. Enumerable.Repeat((byte)'N', 5_000_000)]).ToArray() },
                { "no dictionary", "no dictionary", new TorchBytes().Number(1).ToArray() },
                { "no tensors", "no tensors", Dict(p => p.Number(1)) },
                { "another persistent thing", "no storage",
                    Dict(p => p.Op((byte)'(').Text("module").Text("x").Op((byte)'t', (byte)'Q')) },
                { "a tensor beyond its storage", "beyond its storage",
                    Dict(p => p.Tensor("FloatStorage", "0", 4, 1, [2, 2], [2, 1])) },
                { "a number repeated", "more numbers",
                    Dict(p => p.Tensor("FloatStorage", "0", 4, 0, [int.MaxValue, int.MaxValue], [0, 0])) },
                { "extents that overflow", "more numbers",
                    Dict(p => p.Tensor("FloatStorage", "0", 4, 0,
                        [int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue], [0, 0, 0, 0, 0])) },
                { "strides that overflow", "beyond its storage",
                    Dict(p => p.Tensor("FloatStorage", "0", 4, 0, [3, 3], [long.MaxValue, long.MaxValue])) },
                { "a negative stride", "wrong arguments", Dict(p => p.Tensor("FloatStorage", "0", 4, 3, [4], [-1])) },
                { "a negative extent", "wrong arguments", Dict(p => p.Tensor("FloatStorage", "0", 4, 0, [-4], [1])) },
                { "a storage of another size", "another size",
                    Dict(p => p.Tensor("FloatStorage", "0", 5, 0, [4], [1])) },
                { "a storage of all memory", "another size",
                    Dict(p => p.Tensor("FloatStorage", "0", long.MaxValue / 4, 0, [4], [1])) },
                { "a storage too large to count", "",
                    Dict(p => p.Tensor("FloatStorage", "0", long.MaxValue, 0, [4], [1])) },
                { "a missing storage", "'7' is missing", Dict(p => p.Tensor("FloatStorage", "7", 4, 0, [4], [1])) },
                { "a storage outside the archive", "is missing",
                    Dict(p => p.Tensor("FloatStorage", "../../etc/passwd", 4, 0, [4], [1])) },
                { "a storage of two kinds", "two sizes", new TorchBytes().Op((byte)'}').Text("a")
                    .Tensor("FloatStorage", "0", 4, 0, [4], [1]).Op((byte)'s').Text("b")
                        .Tensor("IntStorage", "0", 4, 0, [4], [1]).Op((byte)'s').ToArray() },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Evil))]
    public void AnEvilPickleIsRefusedByNameAndNothingIsRunOrAllocated(string what, string reason, byte[] pickle)
    {
        Assert.NotEmpty(what);
        byte[] storage = TorchBytes.Bytes<float>(1, 2, 3, 4);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<MlffAdException>(() => Open(TorchBytes.Zip(pickle, [storage])));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains($"'{path}'", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 400L << 20);
        Assert.False(File.Exists("owned-by-a-pickle"));
    }

    [Fact]
    public void TensorsThatShareAStorageCannotBeManyTimesTheFile()
    {
        var pickle = new TorchBytes().Op((byte)'}').Text("0").Tensor("FloatStorage", "0", 1000, 0, [1000], [1])
            .Op((byte)'q', 1, (byte)'s');
        for (int i = 1; i < 100; i++) pickle.Text($"{i}").Op((byte)'h', 1, (byte)'s');
        Refused("8 times the file's size", TorchBytes.Zip(pickle.ToArray(), [new byte[4000]]));
    }

    [Fact]
    public void DamagedContainersAreRefused()
    {
        byte[] pickle = new TorchBytes().StateDict(Two).ToArray();
        byte[] old = new TorchBytes().StateDict(Two, legacy: true).ToArray();
        byte[][] storages = [.. Two.Select(tensor => TorchBytes.Bytes<float>(tensor.Item3))];
        Refused("compressed", TorchBytes.Zip(pickle, [new byte[24], storages[1]], CompressionLevel.SmallestSize));
        Refused("big-endian", TorchBytes.Zip(pickle, storages, byteOrder: "big"));
        Refused("data.pkl", [.. new byte[] { (byte)'P', (byte)'K', 5, 6 }, .. new byte[18]]);
        Refused("", Encoding.ASCII.GetBytes("GIF89a"));
        Refused("neither a zip", new TorchBytes().Number(1).ToArray());
        Refused("another size", TorchBytes.Legacy(old, [storages[0], storages[0]], 4));
        Refused("missing", TorchBytes.Legacy(old, storages[..1], 4));
        Refused("no tensor has", TorchBytes.Legacy(old, [.. storages, storages[0]], 4));
        byte[] whole = TorchBytes.Legacy(old, storages, 4), zip = TorchBytes.Zip(pickle, storages);
        for (int length = 0; length < whole.Length; length += 7) Refused("", whole[..length]);
        for (int length = 0; length < zip.Length; length += 7) Refused("", zip[..length]);
    }

    [Fact]
    public void AChangedByteIsReadOrRefusedAndNothingElse()
    {
        byte[] pickle = new TorchBytes().StateDict(Two, legacy: true).ToArray();
        byte[] whole = TorchBytes.Legacy(pickle, [.. Two.Select(tensor => TorchBytes.Bytes<float>(tensor.Item3))], 4);
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] mutant = [.. whole];
            mutant[at] ^= (byte)(1 << (at % 8));
            try
            {
                using var file = Open(mutant);
                foreach (string name in file.Tensors.Keys) file.ReadFloats(name);
            }
            catch (MlffAdException e) { Assert.Equal(ExitCode.BadModel, e.Code); }
        }
    }

    private void Refused(string reason, byte[] bytes)
    {
        var e = Assert.Throws<MlffAdException>(() => Open(bytes));
        Assert.Equal(ExitCode.BadModel, e.Code);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    private PyTorchArchive Open(byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        return PyTorchArchive.Open(path);
    }
}
