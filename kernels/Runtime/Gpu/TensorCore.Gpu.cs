using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Types;
using PtxRegister = ILGPU.Backends.RegisterAllocator<ILGPU.Backends.PTX.PTXRegisterKind>;

namespace MlffAd.Kernels.Runtime;

/// <summary>Instructions of NVIDIA's cards from Ampere on (sm_80) that ILGPU has no word for, as typed calls: operands
/// stay in registers.</summary>
/// <remarks>Only code for such a card may call them; the bodies are never run.</remarks>
internal static class TensorCore
{
    /// <summary>A warp's <c>D = A·B + C</c> of 16×8 by 8×8 in TF32 (19 bits of a float; the others must be 0 or are cut
    /// off), summed in float32. Thread 4g + q holds A[g, q], A[g+8, q], A[g, q+4], A[g+8, q+4]; B[q, g], B[q+4, g]; and
    /// C[g, 2q], C[g, 2q+1], C[g+8, 2q], C[g+8, 2q+1].</summary>
    [IntrinsicImplementation]
    public static Four MultiplyTf32(Four c, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1) =>
    throw new NotSupportedException();

    /// <summary>The same of 16×8 by 16 terms in BF16, two of them a word: thread 4g + q holds terms 2q and 2q+1 where
    /// above it holds q, and 2q+8 and 2q+9 where it holds q+4.</summary>
    [IntrinsicImplementation]
    public static Four MultiplyBf16(Four c, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1) =>
    throw new NotSupportedException();

    /// <summary>The nearest numbers of BF16, halves to even, the first in the lower half of a word.</summary>
    [IntrinsicImplementation]
    public static uint PackBf16(float low, float high) => throw new NotSupportedException();

    /// <summary>The nearest number of TF32, halves away from 0.</summary>
    [IntrinsicImplementation]
    public static uint RoundToTf32(float x) => throw new NotSupportedException();

    /// <summary>Four 8×4 blocks of floats from shared memory: thread t gives the address of row t % 8 of block t / 8,
    /// 16 bytes aligned, and gets element (t / 4, t % 4) of each.</summary>
    [IntrinsicImplementation]
    public static Four LoadMatrices(ref float row) => throw new NotSupportedException();

    /// <summary>Four 8×8 blocks of 16-bit numbers, each transposed: thread t gives the address of row t % 8 of block t
    /// / 8, and gets elements (2·(t % 4), t / 4) and (2·(t % 4) + 1, t / 4) of each.</summary>
    [IntrinsicImplementation]
    public static Four LoadMatricesTransposed(ref float row) => throw new NotSupportedException();

    /// <summary>Starts a copy of 16 bytes from global to shared memory, both aligned; of them <paramref name="bytes"/>
    /// (0 or 16) are read and the others are zeros.</summary>
    [IntrinsicImplementation]
    public static void CopyAsync(ref float shared, ref float global, int bytes) => throw new NotSupportedException();

    /// <summary>Ends a batch of copies.</summary>
    [IntrinsicImplementation]
    public static void Commit() => throw new NotSupportedException();

    /// <summary>Waits until all but the last batch are there.</summary>
    [IntrinsicImplementation]
    public static void WaitForAllButOne() => throw new NotSupportedException();

    /// <summary>Waits until all are there.</summary>
    [IntrinsicImplementation]
    public static void WaitForAll() => throw new NotSupportedException();

    /// <summary>Tells a context how to write them; before it compiles anything.</summary>
    public static void Register(Context context)
    {
        Register(context, nameof(MultiplyTf32), nameof(WriteMultiplyTf32));
        Register(context, nameof(MultiplyBf16), nameof(WriteMultiplyBf16));
        Register(context, nameof(PackBf16), nameof(WritePackBf16));
        Register(context, nameof(RoundToTf32), nameof(WriteRoundToTf32));
        Register(context, nameof(LoadMatrices), nameof(WriteLoadMatrices));
        Register(context, nameof(LoadMatricesTransposed), nameof(WriteLoadMatricesTransposed));
        Register(context, nameof(CopyAsync), nameof(WriteCopyAsync));
        Register(context, nameof(Commit), nameof(WriteCommit));
        Register(context, nameof(WaitForAllButOne), nameof(WriteWaitForAllButOne));
        Register(context, nameof(WaitForAll), nameof(WriteWaitForAll));
    }

    private static void Register(Context context, string method, string writer) =>
        context.GetIntrinsicManager()
            .RegisterMethod(typeof(TensorCore).GetMethod(method)!,
                new PTXIntrinsic(typeof(TensorCore), writer, IntrinsicImplementationMode.GenerateCode));

    private static void WriteMultiplyTf32(PTXBackend backend, PTXCodeGenerator generator, Value call) =>
        WriteMultiply(generator, call, "m16n8k8.row.col.f32.tf32.tf32.f32");

    private static void WriteMultiplyBf16(PTXBackend backend, PTXCodeGenerator generator, Value call) =>
        WriteMultiply(generator, call, "m16n8k16.row.col.f32.bf16.bf16.f32");

    private static void WriteMultiply(PTXCodeGenerator generator, Value call, string kind)
    {
        // All operands first: loading one may write a move of its own.
        var d = Fields(generator, generator.Allocate(call));
        var a = Operands(generator, call, 1, 4);
        var b = Operands(generator, call, 5, 2);
        var c = Fields(generator, generator.Load(call[0]));
        using var command = generator.BeginCommand("mma.sync.aligned." + kind);
        foreach (var operand in (PtxRegister.PrimitiveRegister[][])[d, a, b, c]) command.AppendVectorArgument(operand);
    }

    private static void WriteRoundToTf32(PTXBackend backend, PTXCodeGenerator generator, Value call)
    {
        string to = Name(Hardware(generator, generator.Allocate(call)));
        string from = Name(Hardware(generator, generator.Load(call[0])));
        generator.Builder.AppendLine($"\tcvt.rna.tf32.f32 {to}, {from};");
    }

    private static void WritePackBf16(PTXBackend backend, PTXCodeGenerator generator, Value call)
    {
        string to = Name(Hardware(generator, generator.Allocate(call)));
        string low = Name(Hardware(generator, generator.Load(call[0])));
        string high = Name(Hardware(generator, generator.Load(call[1])));
        generator.Builder.AppendLine($"\tcvt.rn.bf16x2.f32 {to}, {high}, {low};");
    }

    private static void WriteLoadMatrices(PTXBackend backend, PTXCodeGenerator generator, Value call) =>
        WriteLoad(generator, call, "");

    private static void WriteLoadMatricesTransposed(PTXBackend backend, PTXCodeGenerator generator, Value call) =>
        WriteLoad(generator, call, ".trans");

    private static void WriteLoad(PTXCodeGenerator generator, Value call, string how)
    {
        var d = Fields(generator, generator.Allocate(call));
        string address = Name(generator.LoadHardware(call[0]));
        generator.Builder.AppendLine(
            $"\t{{ .reg .u32 s; {ToShared(call[0], address, "s")} ldmatrix.sync.aligned.m8n8.x4{how}.shared.b16 "
                + $"{{{string.Join(", ", d.Select(Name))}}}, [s]; }}");
    }

    private static void WriteCopyAsync(PTXBackend backend, PTXCodeGenerator generator, Value call)
    {
        string shared = Name(generator.LoadHardware(call[0]));
        string global = Name(generator.LoadHardware(call[1]));
        string bytes = Name(Hardware(generator, generator.Load(call[2])));
        string toGlobal = SpaceOf(call[1]) == MemoryAddressSpace.Global
            ? $"mov.u64 g, {global};"
            : $"cvta.to.global.u64 g, {global};";
        generator.Builder.AppendLine(
            $"\t{{ .reg .u32 s; .reg .u64 g; {ToShared(call[0], shared, "s")} {toGlobal} cp.async.cg.shared.global "
                + $"[s], [g], 16, {bytes}; }}");
    }

    private static void WriteCommit(PTXBackend backend, PTXCodeGenerator generator, Value call) =>
        generator.Command("cp.async.commit_group");

    private static void WriteWaitForAllButOne(PTXBackend backend, PTXCodeGenerator generator, Value call) =>
        generator.Command("cp.async.wait_group 1");

    private static void WriteWaitForAll(PTXBackend backend, PTXCodeGenerator generator, Value call) =>
        generator.Command("cp.async.wait_group 0");

    private static PtxRegister.PrimitiveRegister[] Fields(PTXCodeGenerator generator, PtxRegister.Register register) =>
        [.. ((PtxRegister.CompoundRegister)register).Children.Select(field => Hardware(generator, field))];

    private static PtxRegister.PrimitiveRegister[] Operands(PTXCodeGenerator generator, Value call, int first,
        int count)
    {
        var operands = new PtxRegister.PrimitiveRegister[count];
        for (int i = 0; i < count; i++) operands[i] = Hardware(generator, generator.Load(call[first + i]));
        return operands;
    }

    private static PtxRegister.HardwareRegister Hardware(PTXCodeGenerator generator, PtxRegister.Register register) =>
        generator.EnsureHardwareRegister((PtxRegister.PrimitiveRegister)register);

    private static string Name(PtxRegister.PrimitiveRegister register) =>
        "%" + PTXRegisterAllocator.GetStringRepresentation((PtxRegister.HardwareRegister)register);

    /// <summary>A shared address in 32 bits; it may come as a generic one.</summary>
    private static string ToShared(Value pointer, string from, string to) =>
        SpaceOf(pointer) == MemoryAddressSpace.Shared
            ? $"cvt.u32.u64 {to}, {from};"
            : $"{{ .reg .u64 t; cvta.to.shared.u64 t, {from}; cvt.u32.u64 {to}, t; }}";

    private static MemoryAddressSpace SpaceOf(Value pointer) => ((AddressSpaceType)pointer.Type).AddressSpace;
}
