#!/bin/sh
# Assembles every GPU kernel of a training step and of scoring for NVIDIA's cards, without one, and shows what each takes: registers, spilled bytes, stack, shared memory, the share of a
# multiprocessor's threads that can be resident (occupancy), and the machine instructions that count. Fails if a kernel does not assemble, spills or has a stack, or if a product on tensor
# cores has none of their instructions.
#
#   bench/ptx/check.sh [SM...]        default: 80 90
#
# ptxas is fetched into a cache folder (get-cuda-tools.sh); mlffad must be built.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
tools=$("$here/bench/ptx/get-cuda-tools.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- 80 90

status=0
for sm in "$@"; do
    case $sm in
    75) precisions=fp32 limits="1024 16 64" ;;
    80) precisions="fp32 tf32 bf16" limits="2048 32 164" ;;
    86) precisions="fp32 tf32 bf16" limits="1536 16 100" ;;
    89) precisions="fp32 tf32 bf16" limits="1536 24 100" ;;
    90) precisions="fp32 tf32 bf16" limits="2048 32 228" ;;
    *) echo "check: what a multiprocessor of sm_$sm holds is not known here; 75, 80, 86, 89 and 90 are." >&2; exit 2 ;;
    esac
    for precision in $precisions; do
        "$here/mlffad" bench ptx --sm "$sm" --precision $precision -o "$work/$sm-$precision" >/dev/null
        echo "sm_$sm, $precision"
        printf '  %-34s %9s %6s %6s %7s %10s  %s\n' kernel registers spills stack shared occupancy instructions
        for ptx in "$work/$sm-$precision"/*.ptx; do
            name=$(basename "$ptx" .ptx)
            if ! "$tools/ptxas" -v -arch=sm_$sm -o "$work/cubin" "$ptx" >"$work/log" 2>&1; then
                echo "  $name does not assemble:"
                sed 's/^/    /' "$work/log"
                status=1
                continue
            fi
            "$tools/cuobjdump" -sass "$work/cubin" >"$work/sass"
            threads=$(sed -n 's/^\.maxntid \([0-9]*\).*/\1/p' "$ptx" | head -n 1)
            awk -v name="$name" -v threads="$threads" -v limits="$limits" '
                FNR == NR {
                    if (match($0, /[0-9]+ bytes stack/)) stack = $1 + 0
                    if (match($0, /[0-9]+ bytes spill stores/)) { split(substr($0, RSTART), n, " "); spills += n[1] }
                    if (match($0, /Used [0-9]+ registers/)) { split(substr($0, RSTART), n, " "); registers = n[2] }
                    if (match($0, /[0-9]+ bytes smem/)) { split(substr($0, RSTART), n, " "); shared = n[1] }
                    next
                }
                / HMMA\./ { hmma++ } / LDGSTS/ { ldgsts++ } / LDSM/ { ldsm++ } / (LDG|STG)\.E.*\.128/ { wide++ } / (LDL|STL)/ { local++ }
                END {
                    # A multiprocessor has 65536 registers, given out 256 a warp, and so many threads, groups and KB of shared memory; each group takes 1 KB more.
                    split(limits, most, " ")
                    warps = int((threads + 31) / 32)
                    groups = int(65536 / (int((registers * 32 + 255) / 256) * 256 * warps))
                    if (int(most[1] / threads) < groups) groups = int(most[1] / threads)
                    if (groups > most[2]) groups = most[2]
                    memory = int(most[3] * 1024 / (shared + 1024))
                    if (memory < groups) groups = memory
                    text = (hmma ? hmma " HMMA " : "") (ldgsts ? ldgsts " LDGSTS " : "") (ldsm ? ldsm " LDSM " : "") (wide ? wide " of 16 bytes " : "") (local ? local " LOCAL" : "")
                    printf "  %-34s %9d %6d %6d %7d %9.0f%%  %s\n", name, registers, spills, stack, shared, 100 * groups * threads / most[1], text
                    exit spills + stack + local > 0 || (name ~ /product\.tensor/ && (!hmma || !ldgsts))
                }' "$work/log" "$work/sass" || { echo "  $name is not as it should be."; status=1; }
        done
    done
done
exit $status
