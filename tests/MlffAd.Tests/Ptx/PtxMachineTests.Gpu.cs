using ILGPU;

namespace MlffAd.Tests.Ptx;

/// <summary>What the machine that stands for a card finds. Each body runs on 64 threads; thread t has the address of
/// float t in %rd4, of word t of 256 words of shared memory in %rd5, and of word 4t in %rd7.</summary>
public sealed class PtxMachineTests
{
    private const int Threads = 64;

    internal struct Arguments
    {
        public ArrayView<float> Data;
        public int Limit;
    }

    private const string Asked = "{ .reg .u32 s; .reg .u64 g; cvt.u32.u64 s, %rd7; mov.u64 g, %rd8; "
        + "cp.async.cg.shared.global [s], [g], 16, %r3; } cp.async.commit_group; ";

    [Theory]
    [InlineData("st.global.f32 [%rd4], 0f3F800000;", null)]
    [InlineData("ld.global.f32 %f1, [%rd4+772];",
        "4 bytes outside of everything that the kernel was given: view 0 has 1024 bytes, and this is its byte 1024. "
            + "Thread 63 ")]
    [InlineData("ld.global.v2.f32 {%f1, %f2}, [%rd4];", "8 bytes at an address that is no multiple of them. Thread 1 ")]
    [InlineData("ld.shared.f32 %f1, [%rd5];", "word 0 of shared memory is read, and nobody wrote it")]
    [InlineData("st.shared.f32 [%rd5+772], 0f3F800000;", "byte 1024 of shared memory, which has 1024. Thread 63 ")]
    [InlineData("st.shared.f32 [%rd5], 0f3F800000; ld.shared.f32 %f1, [%rd2];",
        "word 0 of shared memory is read, which thread 0 wrote, without a barrier between. Thread 1 ")]
    [InlineData("st.shared.f32 [%rd5], 0f3F800000; bar.sync 0; ld.shared.f32 %f1, [%rd2];", null)]
    [InlineData("st.shared.f32 [%rd5], 0f3F800000; bar.sync 0; ld.shared.f32 %f1, [%rd2+4]; "
        + "st.shared.b32 [%rd5], %r1;",
        "word 1 of shared memory is written, which others read, without a barrier between. Thread 1 ")]
    [InlineData("st.shared.b32 [%rd2], %r1;",
        "word 0 of shared memory is written, which thread 0 wrote, without a barrier between. Thread 1 ")]
    [InlineData("st.shared.b32 [%rd2], 5;", null)]
    [InlineData("setp.lt.s32 %p1, %r1, 40; @%p1 bra L_1; bar.sync 0; \n L_1:",
        "not all threads come to the barrier: thread 0 has ended")]
    [InlineData("setp.lt.s32 %p1, %r1, 8; @!%p1 bra L_1; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%f1, %f2, %f3, "
        + "%f4}, [%rd2]; \n L_1:", "not all threads of the warp come here together. Thread 0 ")]
    [InlineData("setp.lt.s32 %p1, %r1, 8; @%p1 bra L_1; bar.sync 0; bra L_2; \n L_1: \n bar.sync 0; \n L_2:",
        "the warp's threads wait at different barriers. Thread 8 ")]
    [InlineData("rem.s32 %r2, %r1, 0;", "a division by 0")]
    [InlineData(Asked + "ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%rd7];",
        "word 0 of shared memory is read before a copy to it has been waited for")]
    [InlineData(Asked, "the group ends before copies that it asked for")]
    [InlineData(Asked + "cp.async.wait_group 1; ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%rd7]; cp.async.wait_group 0;",
        "word 0 of shared memory is read before a copy to it has been waited for")]
    [InlineData(Asked + "cp.async.wait_group 0; ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%rd7];", null)]
    [InlineData(Asked + "cp.async.wait_all; ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%rd2];",
        "without a barrier between. Thread 1 ")]
    [InlineData(Asked + "cp.async.wait_all; bar.sync 0; ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%rd2];", null)]
    [InlineData(Asked + Asked, "word 0 of shared memory is the aim of two copies")]
    public void WhatACardWouldNotForgiveIsFound(string body, string? found)
    {
        using var device = Device.OpenCompiler(80);
        using var data = Tensor.From(device, Shape.Of(4 * Threads), new float[4 * Threads], "data");
        var launch = new PtxMachine().Load(new("test", "Body", Threads, 1024, $$"""
            .visible .entry Kernel(
                .param .align 8 .b8 _p_1[24]
            )
            {
                .shared .align 16 .b8 __shared_alloca0[1024];
                .reg .b32 %r<9>;

                mov.b64	%rd2, __shared_alloca0;
                ld.param.b64	%rd1, [_p_1];
                mov.b32	%r1, %tid.x;
                mul.wide.u32	%rd3, %r1, 4;
                add.u64	%rd4, %rd1, %rd3;
                add.u64	%rd5, %rd2, %rd3;
                mul.wide.u32	%rd6, %r1, 16;
                add.u64	%rd7, %rd2, %rd6;
                add.u64	%rd8, %rd1, %rd6;
                mov.b32	%r3, 16;
                {{body}}

                ret;
            }
            """));
        var view = data.Gpu.Data;
        if (found is null) launch(new Index3D(2, 1, 1), new Arguments { Data = view, Limit = Threads });
        else Assert.Contains(found, Assert.Throws<PtxFault>(() => launch(new Index3D(1, 1, 1), new Arguments
        {
            Data = view,
            Limit = Threads,
        })).Message, StringComparison.Ordinal);
    }
}
