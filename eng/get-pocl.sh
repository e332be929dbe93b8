#!/bin/sh
# Fetches a private PoCL (OpenCL on the processor) for the tests, into a cache folder; prints that folder. Nothing is installed, no root is needed.
#
#   eng/get-pocl.sh [FOLDER]        default: $XDG_CACHE_HOME/mlffad/pocl-6.0-trixie, else .cache/pocl-6.0-trixie in the repository
#
# PoCL 6.0 of Debian 13 (trixie) is the oldest that ILGPU accepts: it needs the generic address space. It wants a newer C library than
# Debian 12 has, so its packages are unpacked beside a copy of the `dotnet` host that is patched to load trixie's C library.
# Needs apt-get, dpkg, a Debian mirror among the machine's apt sources, and dotnet.
set -eu

suite=trixie version=6.0
here=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-${XDG_CACHE_HOME:+$XDG_CACHE_HOME/mlffad}}
[ $# -gt 0 ] || root=${root:-$here/.cache}/pocl-$version-$suite
fail() { echo "get-pocl: $1" >&2; exit 1; }

for tool in apt-get dpkg dotnet; do command -v $tool >/dev/null || fail "'$tool' is not on the PATH; OpenCL tests need Debian or a relative of it, and the .NET SDK."; done
[ "$(dpkg --print-architecture)" = amd64 ] || fail "only x86-64 is provided for."
sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
if [ -e "$root/ready" ] && [ "$(cat "$root/ready")" = "$sdk $(stat -c %Y "$sdk/dotnet")" ]; then echo "$root"; exit 0; fi

# A root of apt's own, so that the machine's lists, status and pins are neither read nor changed; the mirror is the machine's.
mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/\?$' | head -n 1)
[ -n "$mirror" ] || fail "no Debian mirror among this machine's apt sources."
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts"
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<END
Dir::State "$apt"; Dir::State::Lists "$apt/lists"; Dir::State::status "$apt/status"; Dir::Cache "$apt";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "$apt/parts"; Dir::Etc::preferencesparts "$apt/parts";
APT::Sandbox::User ""; Debug::NoLocking "1"; Acquire::Languages "none"; Acquire::Retries "3";
END
apt-get -qq -c "$apt/apt.conf" update || fail "the package list of Debian $suite cannot be read."
apt-cache -c "$apt/apt.conf" policy libpocl2t64 | grep -q "Candidate: $version" || fail "Debian $suite no longer has PoCL $version; raise the version here."

# PoCL, its LLVM, the C and C++ libraries; patchelf for the host; the linker that PoCL calls, with its libraries.
rm -rf "$root"
mkdir -p "$root/ocl" "$root/vendors" "$root/dotnet" "$root/bin"
cd "$apt"
apt-get -qq -c apt.conf download libpocl2t64 libpocl2-common ocl-icd-libopencl1 libllvm18 libclang-cpp18 libllvmspirvlib18.1 \
    libhwloc15 libudev1 libcap2 libc6 libstdc++6 libgcc-s1 zlib1g libzstd1 libxml2 liblzma5 libedit2 libbsd0 libmd0 libtinfo6 libffi8 libz3-4 \
    patchelf binutils-x86-64-linux-gnu libbinutils libctf0 libctf-nobfd0 libjansson4 libsframe1 \
    || fail "the packages of PoCL could not be downloaded."
for package in ./*.deb; do dpkg -x "$package" "$root"; done

libraries=$root/usr/lib/x86_64-linux-gnu loader=$root/usr/lib64/ld-linux-x86-64.so.2
patch() { "$loader" --library-path "$libraries" "$root/usr/bin/patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$1"; }
# DT_RPATH and not LD_LIBRARY_PATH, which the linker that PoCL starts would inherit; that one holds libOpenCL alone, under the name
# that ILGPU asks for and only a -dev package has.
cp "$sdk/dotnet" "$root/dotnet/dotnet"
patch "$root/dotnet/dotnet"
for folder in host shared; do ln -s "$sdk/$folder" "$root/dotnet/$folder"; done
cp "$root/usr/bin/x86_64-linux-gnu-ld.bfd" "$root/bin/ld"
patch "$root/bin/ld"
for name in libOpenCL.so libOpenCL.so.1; do ln -s "$libraries/libOpenCL.so.1" "$root/ocl/$name"; done
ls "$libraries"/libpocl.so.2.* | head -n 1 >"$root/vendors/pocl.icd"
echo "$sdk $(stat -c %Y "$sdk/dotnet")" >"$root/ready"
echo "$root"
