using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.Util;
using Context = ILGPU.Context;

namespace MlffAd.Kernels.Runtime;

/// <summary>A product that is rounded before it is added to anything, so that a sum of products has the host's
/// bits.</summary>
/// <remarks>Compilers for GPUs round <c>a·b + c</c> once where they may: NVIDIA's assembler does unless the instruction
/// names its rounding; one of OpenCL C may unless FP_CONTRACT is off, though PoCL does not across statements.</remarks>
internal static class Unfused
{
    /// <summary>a·b, rounded to nearest.</summary>
    [IntrinsicImplementation]
    public static double Multiply(double a, double b) => a * b;

    /// <summary>Tells a context how to write it; before it compiles anything.</summary>
    public static void Register(Context context)
    {
        var method = typeof(Unfused).GetMethod(nameof(Multiply))!;
        var manager = context.GetIntrinsicManager();
        const IntrinsicImplementationMode generate = IntrinsicImplementationMode.GenerateCode;
        manager.RegisterMethod(method, new PTXIntrinsic(typeof(Unfused), nameof(WritePtx), generate));
        manager.RegisterMethod(method, new CLIntrinsic(typeof(Unfused), nameof(WriteCl), generate));
    }

    private static void WritePtx(PTXBackend backend, PTXCodeGenerator generator, Value call)
    {
        var a = generator.LoadPrimitive(call[0]);
        var b = generator.LoadPrimitive(call[1]);
        using var command = generator.BeginCommand("mul.rn.f64");
        command.AppendArgument(generator.AllocateHardware(call));
        command.AppendArgument(a);
        command.AppendArgument(b);
    }

    private static void WriteCl(CLBackend backend, CLCodeGenerator generator, Value call)
    {
        var (a, b, product) = (generator.Load(call[0]), generator.Load(call[1]), generator.Allocate(call));
        generator.Declare(product);
        generator.Builder.AppendLine($"{{\n#pragma OPENCL FP_CONTRACT OFF\n{product} = {a} * {b};\n}}");
    }
}
