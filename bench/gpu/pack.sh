#!/bin/sh
# Packs mlffad, its operator bench and its tests, with the .NET runtime that they need, for a machine that has an NVIDIA driver, but neither .NET nor a network. What the repository has
# (weights, reference files) is not packed: take the repository along. Then there: bench/gpu/run.sh all
#
#   bench/gpu/pack.sh [FILE]        default: bench/gpu/pack.tar.xz, about 34 MB
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
file=${1:-$here/bench/gpu/pack.tar.xz}
app=$(mktemp -d)
trap 'rm -rf "$app" "$file.new"' EXIT
for project in src/MlffAd.Cli tests/MlffAd.Tests bench/MlffAd.Bench; do
    dotnet publish "$here/$project" -c Release -r linux-x64 --self-contained -o "$app" --nologo -v quiet -tl:off
done
git -C "$here" describe --always --dirty >"$app/commit"
# What no GPU bench and no test of a GPU body needs: symbols, what debuggers load, ONNX Runtime, BenchmarkDotNet's disassemblers, files that the repository has.
(cd "$app" && rm -rf weights reference ./*.pdb ./*.xml ./*onnxruntime* Iced* libcapstone.so Microsoft.Diagnostics.Tracing* Microsoft.DiaSymReader* Microsoft.VisualBasic* libmscor* libclrgc* libcoreclrtrace* createdump)
tar -C "$app" -cf - . | xz -T0 -9 >"$file.new"
mv "$file.new" "$file"
echo "$file: $(du -h "$file" | cut -f 1), commit $(cat "$app/commit")"
