using System.Buffers.Binary;
using System.Text;

namespace MlffAd.Tests.Weights;

public sealed class SafetensorsTests
{
    private static readonly Dictionary<string, string> Metadata = new()
    {
        ["format"] = "test/1",
        ["licence"] = "MIT, \"quoted\" é",
    };

    private static readonly TensorData[] Tensors =
    [
        TensorData.Floats("half", [3], new[] { 1.5f, -2f, 65504f }, DType.F16),
        TensorData.Ints("labels", [2, 2], new[] { 0, 1, -7, int.MaxValue }),
        TensorData.Floats("b", [1, 2], new[] { 0.1f, float.NaN }),
        TensorData.Floats("a", [], new[] { 3f }),
        TensorData.Floats("none", [0, 5], Array.Empty<float>()),
    ];

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        using var file = SafetensorsFile.Parse(Write(Tensors), "memory");
        Assert.Equal(Metadata, file.Metadata);
        Assert.Equal(["a", "b", "labels", "none", "half"], file.Tensors.Keys);
        Assert.Equal([1.5f, -2f, 65504f], file.ReadFloats("half"));
        Assert.Equal([0, 1, -7, int.MaxValue], file.ReadInts("labels"));
        Assert.Equal([0.1f, float.NaN], file.ReadFloats("b"));
        Assert.Equal([3f], file.ReadFloats("a"));
        Assert.Empty(file.ReadFloats("none"));
        Assert.Equal([1, 2], file["b"].Shape);
        Assert.Equal(BitConverter.GetBytes(3f), file.ReadBytes("a"));
    }

    [Fact]
    public void BytesDoNotDependOnTheOrderGivenAndLieAligned()
    {
        byte[] bytes = Write(Tensors);
        Assert.Equal(bytes, Write(Tensors.Reverse()));
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(bytes) % 8);
        using var file = SafetensorsFile.Parse(bytes, "memory");
        Assert.All(file.Tensors.Values, tensor => Assert.Equal(0, tensor.Begin % tensor.DType.Size()));
    }

    [Fact]
    public void EveryNumberFormatIsConverted()
    {
        foreach (var (dtype, bytes) in new (string, byte[])[]
        {
            ("F64", BitConverter.GetBytes(3.0)), ("F32", BitConverter.GetBytes(3f)),
                ("F16", BitConverter.GetBytes((Half)3)), ("BF16", [0x40, 0x40]),
            ("I64", BitConverter.GetBytes(3L)), ("U64", BitConverter.GetBytes(3UL)), ("I32", BitConverter.GetBytes(3)),
                ("U32", BitConverter.GetBytes(3U)),
            ("I16", [3, 0]), ("U16", [3, 0]), ("I8", [3]), ("U8", [3]), ("BOOL", [3]),
        })
        {
            using var file = SafetensorsFile.Parse(
                Raw($$$"""{"x":{"dtype":"{{{dtype}}}","shape":[1],"data_offsets":[0,{{{bytes.Length}}}]}}""", bytes),
                dtype);
            Assert.Equal([3f], file.ReadFloats("x"));
            if (dtype.Contains('F', StringComparison.Ordinal)) Refused(() => file.ReadInts("x"));
            else Assert.Equal([3], file.ReadInts("x"));
        }
        using var eight =
            SafetensorsFile.Parse(Raw("""{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}""", [0]), "eight");
        Refused(() => eight.ReadFloats("x"));
        using var large = SafetensorsFile.Parse(Raw("""{"x":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""",
            BitConverter.GetBytes(long.MaxValue)), "large");
        Refused(() => large.ReadInts("x"));
    }

    [Fact]
    public void LongHalvesAreConvertedAcrossChunks()
    {
        float[] values = Enumerable.Range(0, 100_000).Select(i => (float)(Half)(i * 0.37f)).ToArray();
        using var file = SafetensorsFile.Parse(Write([TensorData.Floats("x", [100_000], values, DType.F16)]), "memory");
        Assert.Equal(values, file.ReadFloats("x"));
    }

    [Fact]
    public void ANumberBeyondFloat16IsRefusedAndLeavesNoFile()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        var e = Refused(() => Safetensors.Write(Path.Combine(folder, "f"),
            [TensorData.Floats("x", [1], new[] { 70000f }, DType.F16)]));
        Assert.Contains("'x'", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder));
        Directory.Delete(folder);
    }

    [Fact]
    public void AWriterWhoseTensorsContradictThemselvesIsStopped()
    {
        Assert.Throws<ArgumentException>(() => Write([Tensors[0], Tensors[0]]));
        Assert.Throws<ArgumentException>(() => Write([Tensors[0] with { Name = "__metadata__" }]));
        Assert.Throws<InvalidOperationException>(() => Write([Tensors[0] with { Shape = [4] }]));
    }

    /// <summary>Each rule of the format, broken once; the data is 8 bytes.</summary>
    public static TheoryData<string, string> Broken => new()
    {
        { """[]""", "start" },
        { """ {}""", "start" },
        { """{""", "JSON" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}}""", "JSON" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} {}""", "JSON" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}""", "JSON" },
        { """{"x\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "JSON" },
        { """{"x":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}""", "whole numbers" },
        { """{"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", "whole numbers" },
        { """{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "whole numbers" },
        { """{"x":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", "whole numbers" },
        { """{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", "whole numbers" },
        { """{"x":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", "StartArray" },
        { """{"x":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,8]}}""", "extent" },
        { """{"x":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}}""", "counted" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "needs 8 bytes" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "needs 8 bytes" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "lacks" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}""", "lacks" },
        { """{"x":{"dtype":"F32","data_offsets":[0,8]}}""", "lacks" },
        { """{"x":{"shape":[2],"data_offsets":[0,8]}}""", "lacks" },
        { """{"x":{"dtype":"F32","shape":[2]}}""", "lacks" },
        { """{"x":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}""", "unknown dtype 'F33'" },
        { """{"x":{"dtype":"11","shape":[2],"data_offsets":[0,8]}}""", "unknown dtype '11'" },
        { """{"x":{"dtype":"BOOL,U8","shape":[8],"data_offsets":[0,8]}}""", "unknown dtype" },
        { """{"x":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}""", "unknown dtype" },
        { """{"x":{"dtype":4,"shape":[2],"data_offsets":[0,8]}}""", "String" },
        { """{"x":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", "'shape' twice" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":[]}}""", "'more'" },
        { """{"x":7}""", "StartObject" },
        {
            """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
            "'x' is in its header twice"
        },
        {
            """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
            "an overlap"
        },
        {
            """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
            "an overlap"
        },
        { """{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "a gap" },
        { """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "cover 4 of its 8" },
        { """{}""", "cover 0 of its 8" },
        { """{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "ends at byte 12" },
        { """{"__metadata__":{"a":1},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "String" },
        { """{"__metadata__":{"a":{}},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "String" },
        { """{"__metadata__":[],"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "StartObject" },
        { """{"__metadata__":{"a":"","a":""},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "twice" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void EachBrokenRuleIsRefusedNamingFileAndReason(string header, string reason)
    {
        var e = Refused(() => SafetensorsFile.Parse(Raw(header, new byte[8]), "some.safetensors"));
        Assert.Contains("'some.safetensors'", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(100_000_001UL)]
    [InlineData(10UL)]
    public void AHeaderLengthBeyondTheFileIsRefusedBeforeItIsAllocated(ulong length)
    {
        byte[] bytes = Raw("{}", []);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(() => SafetensorsFile.Parse(bytes, "x"));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void NoTruncationAndNoChangedHeaderByteDoesWorseThanARefusal()
    {
        byte[] bytes = Write(Tensors);
        int header = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        for (int length = 0; length < bytes.Length; length++)
            Refused(() => SafetensorsFile.Parse(bytes.AsMemory(0, length), "cut"));

        long before = GC.GetAllocatedBytesForCurrentThread();
        int opened = 0;
        for (int at = 0; at < header; at++)
            foreach (byte value in (ReadOnlySpan<byte>)[0, (byte)'"', (byte)'9', (byte)'-', (byte)'}', (byte)'[',
                (byte)' ', 0x80, 0xff, (byte)(bytes[at] ^ 1), (byte)(bytes[at] ^ 0x40)])
            {
                byte[] mutant = [.. bytes];
                mutant[at] = value;
                try
                {
                    using var file = SafetensorsFile.Parse(mutant, "mutant");
                    foreach (string name in file.Tensors.Keys) file.ReadFloats(name);
                    opened++;
                }
                catch (MlffAdException e) { Assert.Equal(ExitCode.BadModel, e.Code); }
            }
        // A changed letter of a name or of the metadata is no fault; each attempt may cost some times the file,
        // never what its numbers say.
        Assert.InRange(opened, 1, header * 11 / 2);
        Assert.True((GC.GetAllocatedBytesForCurrentThread() - before) / (header * 11) < 64 * bytes.Length);
    }

    [Fact]
    public void AFileOnDiskIsReadAndAMissingOneNamed()
    {
        string folder = Directory.CreateTempSubdirectory().FullName, path = Path.Combine(folder, "t.safetensors");
        Safetensors.Write(path, Tensors, Metadata);
        Assert.Equal(Write(Tensors), File.ReadAllBytes(path));
        using (var file = SafetensorsFile.Open(path)) Assert.Equal([0, 1, -7, int.MaxValue], file.ReadInts("labels"));
        File.WriteAllBytes(path, Write(Tensors)[..^1]);
        Assert.Contains(path, Refused(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
        File.Delete(path);
        Assert.Contains(path, Refused(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
        Assert.Contains(folder, Refused(() => SafetensorsFile.Open(folder)).Message, StringComparison.Ordinal);
        Refused(() => SafetensorsFile.Open(""));
        Directory.Delete(folder);
    }

    private static byte[] Write(IEnumerable<TensorData> tensors)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, tensors, Metadata);
        return stream.ToArray();
    }

    private static byte[] Raw(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. data];
    }

    private static MlffAdException Refused(Action action)
    {
        var e = Assert.Throws<MlffAdException>(action);
        Assert.Equal(ExitCode.BadModel, e.Code);
        return e;
    }

    private static MlffAdException Refused(Func<object> action) => Refused(() => { action(); });
}
