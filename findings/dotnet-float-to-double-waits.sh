#!/usr/bin/env bash
# .NET 10 (runtime 10.0.12, x64): a conversion of a float in memory to double merges into the register that it writes,
# and the compiler does not clear that register first, as it does before a conversion from int. In a loop the
# conversion therefore waits for what the register held: here for the square of the round before.
#
# What it costs: sums of (b - x)^2 over floats are bound by the chain conversion, difference, product, some twelve
# cycles a number, instead of the three of the sum alone. In this project's exact distances (Zen 5) a panel took 3.8
# microseconds, and 1.3 with a vector's conversion (Vector512.WidenLower), which writes the whole register.
#
# History: dotnet/coreclr pull request 17560 (2018) took back an earlier cure because it named the wrong register where
# the operand lies in memory.
#
# Expected output, the loops of both methods:
#   FromFloats: vcvtss2sd xmm2, xmm2, dword ptr [rdi]   before it: nothing that clears xmm2
#   FromInts:   vxorps xmm2, xmm2, xmm2 / vcvtsi2sd xmm2, xmm2, dword ptr [rdi]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > waits.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <TieredCompilation>false</TieredCompilation>
  </PropertyGroup>
</Project>
X
cat > waits.cs <<'X'
using System.Runtime.CompilerServices;

System.Console.WriteLine($".NET {System.Environment.Version}: {Sum.FromFloats([1, 2], 1)} {Sum.FromInts([1, 2], 1)}");

static class Sum
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static double FromFloats(float[] a, double b)
    {
        double sum = 0;
        foreach (float x in a) { double d = b - x; sum += d * d; }
        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static double FromInts(int[] a, double b)
    {
        double sum = 0;
        foreach (int x in a) { double d = b - x; sum += d * d; }
        return sum;
    }
}
X
dotnet build -c Release -v q >/dev/null
DOTNET_JitDisasm='From*' DOTNET_JitStdOutFile="$work/code" dotnet bin/Release/net10.0/waits.dll
# The conversion in a method's loop, and the line before it.
conversion() { sed -n "/; Assembly listing for method Sum:$1(/,/; Total bytes/p" code | grep -B 1 "$2" | tr -s ' '; }
floats=$(conversion FromFloats vcvtss2sd) ints=$(conversion FromInts vcvtsi2sd)
printf 'FromFloats:\n%s\nFromInts:\n%s\n' "$floats" "$ints"
[[ $floats =~ vcvtss2sd\ (xmm[0-9]+),\ (xmm[0-9]+), ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
[[ $floats != *vxorps* ]] && [[ $ints == *vxorps* ]]
