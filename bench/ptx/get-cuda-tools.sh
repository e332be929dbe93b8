#!/bin/sh
# Fetches NVIDIA's assembler ptxas and disassembler cuobjdump into a cache folder, without installing anything; prints the folder of the programs.
#
#   bench/ptx/get-cuda-tools.sh [FOLDER]        default: $XDG_CACHE_HOME/mlffad/cuda-trixie, else .cache/cuda-trixie in the repository
#
# They come from Debian 13's package nvidia-cuda-toolkit (CUDA 12.4, section non-free): 87 MB to fetch, 200 MB unpacked. Needs apt-get, dpkg and a Debian mirror among the
# machine's apt sources. No GPU is needed.
set -eu

suite=trixie
here=$(cd "$(dirname "$0")/../.." && pwd)
root=${1:-${XDG_CACHE_HOME:+$XDG_CACHE_HOME/mlffad}}
[ $# -gt 0 ] || root=${root:-$here/.cache}/cuda-$suite
fail() { echo "get-cuda-tools: $1" >&2; exit 1; }

for tool in apt-get dpkg; do command -v $tool >/dev/null || fail "'$tool' is not on the PATH; the tools come from Debian's packages."; done
[ "$(dpkg --print-architecture)" = amd64 ] || fail "only x86-64 is provided for."
if [ -e "$root/ready" ]; then echo "$root/usr/bin"; exit 0; fi

# A root of apt's own, so that the machine's lists, status and pins are neither read nor changed; the mirror is the machine's.
mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/\?$' | head -n 1)
[ -n "$mirror" ] || fail "no Debian mirror among this machine's apt sources."
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts" "$root"
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite non-free" >"$apt/sources.list"
cat >"$apt/apt.conf" <<END
Dir::State "$apt"; Dir::State::Lists "$apt/lists"; Dir::State::status "$apt/status"; Dir::Cache "$apt";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "$apt/parts"; APT::Sandbox::User "";
END
apt-get -qq -c "$apt/apt.conf" update >&2
(cd "$apt" && apt-get -qq -c "$apt/apt.conf" download nvidia-cuda-toolkit >&2 && dpkg -x nvidia-cuda-toolkit_*.deb "$root")
"$root/usr/bin/ptxas" --version >/dev/null || fail "the package holds no ptxas that runs here."
touch "$root/ready"
echo "$root/usr/bin"
