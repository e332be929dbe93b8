#!/bin/sh
# Runs a .NET program where OpenCL is PoCL, fetching PoCL when it is not there yet.
#
#   eng/with-pocl.sh PROGRAM.dll [ARGUMENT]...
#   eng/with-pocl.sh src/MlffAd.Cli/bin/Release/net10.0/MlffAd.Cli.dll devices
set -eu
root=$("$(dirname "$0")/get-pocl.sh")
export OCL_ICD_VENDORS="$root/vendors" LD_LIBRARY_PATH="$root/ocl" POCL_CACHE_DIR="${POCL_CACHE_DIR:-$root/cache}" PATH="$root/bin:$PATH"
mkdir -p "$POCL_CACHE_DIR"
exec "$root/dotnet/dotnet" exec "$@"
