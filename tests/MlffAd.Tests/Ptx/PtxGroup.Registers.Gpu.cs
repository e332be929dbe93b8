using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace MlffAd.Tests.Ptx;

internal sealed unsafe partial class PtxGroup
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref uint U(ulong* r, int place) => ref *(uint*)(r + place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref int I(ulong* r, int place) => ref *(int*)(r + place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref float F(ulong* r, int place) => ref *(float*)(r + place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref double D(ulong* r, int place) => ref *(double*)(r + place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Set(ulong* r, int place, bool holds) => U(r, place) = holds ? 1u : 0u;

    private static void Load(ulong* r, int[] o, int count, void* from)
    {
        for (int i = 0; i < count; i++) U(r, o[i]) = ((uint*)from)[i];
    }

    private static void Store(ulong* r, int[] o, int count, void* to)
    {
        for (int i = 0; i < count; i++) ((uint*)to)[i] = U(r, o[1 + i]);
    }
}
