#!/bin/sh
# Measures mlffad on an NVIDIA card, on a machine that has the driver and Python with PyTorch, but neither .NET nor a network: a copy of the repository, and in it bench/gpu/pack.tar.xz
# (bench/gpu/pack.sh makes it), are all it needs.
#
#   bench/gpu/run.sh STAGE...       or all
#
# tests     every operator's tests on the card                          step      a training step by kernel, in each precision, with a trace
# verify    the reference files, in each precision                      scoring   scoring by kernel, tf32 and bf16, 1 and 32 images
# ops       every operator against the card's own peaks, tf32; the product in tf32 and bf16; ladders
# race, race-scoring                     training steps, and scoring, alternating with PyTorch's, eager
# race-compiled, race-scoring-compiled   alternating with torch.compile's
# train     the paper's schedule on one category: MLFFAD_DATA names a folder in MVTec AD's layout
#
# All but train take less than eight minutes, and train goes on where it was cut off. What is done for a commit and its settings is not done again: rm -r bench/gpu/out begins anew.
# Figures are appended to bench/results/CARD.csv; logs and tables stay in bench/gpu/out.
# MLFFAD_DEVICE (cuda:0), MLFFAD_PYTHON (python3), MLFFAD_BATCH (32), MLFFAD_PRESET (paper) and MLFFAD_TRAIN (options of 'mlffad train') say otherwise.
set -eu
[ $# -gt 0 ] || { sed -n '2,20s/^# \{0,1\}//p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
device=${MLFFAD_DEVICE:-cuda:0} python=${MLFFAD_PYTHON:-python3} batch=${MLFFAD_BATCH:-32} preset=${MLFFAD_PRESET:-paper}
app=$here/app
precisions="fp32 tf32 bf16" products="tf32 bf16" best=tf32
case $device in cuda*) ;; *) precisions=fp32 products=fp32 best=fp32 ;; esac
ones=$(printf '1\n%s\n' "$batch" | sort -nu) steps=20

if [ ! -e "$app/commit" ] || [ "$here/pack.tar.xz" -nt "$app/commit" ]; then
    rm -rf "$app" "$app.new" && mkdir -p "$app.new"
    # Python unpacks xz where the machine has no such program.
    "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/pack.tar.xz" "$app.new"
    ln -s "$root/weights" "$app.new/weights"
    ln -s "$root/tests/reference" "$app.new/reference"
    touch "$app.new/commit"
    mv "$app.new" "$app"
fi
commit=$(cat "$app/commit")
mlffad() { "$app/MlffAd.Cli" "$@"; }
card=$(mlffad devices | awk -v id="$device" '$1 == id { $1 = ""; sub(/^ +/, ""); sub(/, [0-9.]+ [GM]iB.*/, ""); print; exit }' | tr -cs 'A-Za-z0-9.\n' '-' | sed 's/-*$//')
[ -n "$card" ] || { echo "run: there is no device '$device' here:" >&2; mlffad devices >&2; exit 1; }
csv=$root/bench/results/$card.csv
out=$here/out/$card-$commit-$preset-$batch
mkdir -p "$out"
mkdir -p "$root/bench/results"
[ -e "$csv" ] || echo "date,commit,stage,what,preset,precision,batch,value,unit" >"$csv"
note() { echo "$(date -u +%F),$commit,$stage,$1,$preset,$2,$3,$4,$5" | tee -a "$csv"; }

# The value of a key that stands once in a JSON file.
value() { sed -n "s/^ *\"$2\": \([^,]*\),*\$/\1/p" "$1" | head -n 1; }
milliseconds() { awk -v s="$(value "$1" seconds)" 'BEGIN { printf "%.3f", 1000 * s }'; }

stage_tests() {
    MLFFAD_TEST_DEVICES=$device "$app/MlffAd.Tests" -noColor -preEnumerateTheories -displayName "*$device*" >"$out/tests.log" 2>&1 || true
    counts=$(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\).*/\1 \2 \3/p' "$out/tests.log")
    [ -n "$counts" ] || { tail -n 20 "$out/tests.log"; return 1; }
    # shellcheck disable=SC2086 (three numbers)
    set -- $counts
    note "tests run" fp32 "" "$1" count
    note "tests failed" fp32 "" "$(($2 + $3))" count
    grep -A 8 '\[FAIL\]' "$out/tests.log" || true
}

stage_verify() {
    for precision in $precisions; do
        status=0
        mlffad verify --device "$device" --precision "$precision" "$root"/tests/reference/*.safetensors "$root"/tests/reference/*.json >"$out/verify-$precision.txt" 2>&1 || status=$?
        grep -v '^  ' "$out/verify-$precision.txt"
        note "files verified" "$precision" "" "$(grep -c ' compared, ' "$out/verify-$precision.txt" || true)" count
        note "files over tolerance" "$precision" "" "$(grep -c 'OVER TOLERANCE' "$out/verify-$precision.txt" || true)" count
        # 0 is well, 1 is over tolerance; all else never came to its end.
        [ $status -le 1 ] || return $status
    done
}

stage_ops() {
    mlffad bench ops --device "$device" --precision "$best" --batch "$batch" --json "$out/ops.json" >"$out/ops.txt"
    for peak in fmaGflops productGflops copyGBs; do note "peak $peak" "$best" "$batch" "$(value "$out/ops.json" $peak)" "G/s"; done
    # The operators' own table, below the one of shapes.
    awk '/^\|operator/ { n++ } n == 2' "$out/ops.txt"
    for precision in $products; do
        mlffad bench gemm --device "$device" --precision "$precision" >"$out/gemm-$precision.txt"
        cat "$out/gemm-$precision.txt"
        sed -n 's|^  \(M[0-9]* N[0-9]* K[0-9]*\) .* \([0-9.]*\)% of peak$|\1;\2|p' "$out/gemm-$precision.txt" |
            while IFS=';' read -r shape share; do note "product $shape" "$precision" "" "$share" "% of peak"; done
    done
    [ "$device" != cpu ] || return 0
    mlffad bench ladders --device "$device" --precision "$best" --batch "$batch" >"$out/ladders.txt"
    cat "$out/ladders.txt"
    sed -n 's/^| \([^|]*\) | \([0-9]: [^|]*\) | \([0-9.]*\) | .*/\1, \2;\3/p' "$out/ladders.txt" | while IFS=';' read -r rung time; do note "$(echo "$rung" | tr -d ,)" "$best" "$batch" "$time" ms; done
}

stage_step() {
    for precision in $precisions; do
        for images in $(printf '8\n%s\n' "$batch" | sort -nu); do
            file=$out/step-$precision-$images
            mlffad profile --device "$device" --precision "$precision" --preset "$preset" --batch "$images" --steps $steps --json "$file.json" --trace "$file.trace.json" >"$file.txt"
            note "training step" "$precision" "$images" "$(milliseconds "$file.json")" ms
            head -n 16 "$file.txt"
        done
    done
}

stage_scoring() {
    for precision in $products; do
        for images in $ones; do
            file=$out/scoring-$precision-$images
            mlffad profile --scoring --device "$device" --precision "$precision" --preset "$preset" --batch "$images" --steps $steps --json "$file.json" >"$file.txt"
            note "scoring" "$precision" "$images" "$(milliseconds "$file.json")" ms
            head -n 16 "$file.txt"
        done
    done
}

# race TRAINING-OR-SCORING IMAGES MODES ROUNDS: ours and PyTorch by turns, each of its modes against ours in the same precision; medians, and their ratios, ours over theirs.
race() {
    what=$1 images=$2 modes=$3 rounds=$4
    flag=""
    [ "$what" = training ] || flag=--scoring
    [ -e "$out/config.json" ] || "$python" "$here/torch_peer.py" --check "$root/tests/reference/net_mini.safetensors"
    mlffad config --preset "$preset" >"$out/config.json"
    name=$out/race-$what-$images-$(echo "$modes" | tr , -)
    for round in $(seq "$rounds"); do
        [ ! -e "$name-$round-torch.json" ] || continue
        for precision in $products; do
            # shellcheck disable=SC2086 (a flag or nothing)
            mlffad profile $flag --device "$device" --precision "$precision" --preset "$preset" --batch "$images" --steps $steps --json "$name-$round-ours-$precision.json" >/dev/null
        done
        # shellcheck disable=SC2086
        "$python" "$here/torch_peer.py" "$out/config.json" $flag --device "$device" --batch "$images" --steps $steps --modes "$modes" --json "$name-$round-torch.json"
    done
    "$python" - "$name" <<'END' >"$name.txt"
import glob, json, statistics, sys
peers = [json.load(open(f))["ms"] for f in glob.glob(sys.argv[1] + "-*-torch.json")]
for mode in peers[0]:
    precision = mode.split("-")[0]
    ours = statistics.median(json.load(open(f))["seconds"] * 1e3 for f in glob.glob(f"{sys.argv[1]}-*-ours-{precision}.json"))
    theirs = statistics.median(p[mode] for p in peers)
    print(mode, precision, f"{ours:.3f}", f"{theirs:.3f}", f"{ours / theirs:.3f}")
END
    while read -r mode precision ours theirs ratio; do
        note "$what" "$precision" "$images" "$ours" ms
        note "$what by PyTorch $mode" "" "$images" "$theirs" ms
        note "$what ours over PyTorch $mode" "$precision" "$images" "$ratio" ratio
    done <"$name.txt"
}

eager="tf32,bf16" compiled="tf32-compiled,bf16-compiled"
case $device in cuda*) ;; *) eager=fp32 compiled=fp32 ;; esac

stage_race() { race training "$batch" $eager 3; }

stage_race_compiled() { race training "$batch" $compiled 1; }

stage_race_scoring() { for n in $ones; do race scoring "$n" $eager 3; done; }

stage_race_scoring_compiled() { for n in $ones; do race scoring "$n" $compiled 1; done; }

stage_train() {
    [ -n "${MLFFAD_DATA:-}" ] || { echo "run: MLFFAD_DATA is not set, so nothing is trained."; return 0; }
    model=$out/model.mlffad
    if [ ! -e "$model" ]; then
        set -- train "$MLFFAD_DATA" -o "$model" --device "$device" --precision "$best" --preset "$preset" --batch "$batch"
        [ ! -e "$model.state" ] || set -- "$@" --resume "$model.state"
        # shellcheck disable=SC2086 (options)
        mlffad "$@" ${MLFFAD_TRAIN:-}
    fi
    mlffad evaluate "$model" "$MLFFAD_DATA" --device "$device" --precision "$best" --json "$out/evaluation.json"
    last() { tail -n 1 "$model.log.jsonl" | sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }
    note "images trained" "$best" "$batch" "$(last images)" count
    note "images per second" "$best" "$batch" "$(last imagesPerSecond)" "1/s"
    note "image AUROC" "$best" "" "$(value "$out/evaluation.json" auroc)" ""
    note "PRO" "$best" "" "$(value "$out/evaluation.json" pro)" ""
}

[ "$*" != all ] || set -- tests verify ops step scoring race race-scoring race-compiled race-scoring-compiled train
if [ $# -gt 1 ]; then
    # Each by itself, so that one that fails does not keep the others from running.
    status=0
    for stage in "$@"; do "$0" "$stage" || status=1; done
    exit $status
fi
stage=$1
case $stage in tests | verify | ops | step | scoring | race | race-scoring | race-compiled | race-scoring-compiled | train) ;; *) echo "run: there is no stage '$stage'." >&2; exit 2 ;; esac
if [ -e "$out/done-$stage" ]; then echo "run: $stage is done."; exit 0; fi
echo "== $stage ($commit, $card)"
"stage_$(echo "$stage" | tr - _)"
touch "$out/done-$stage"
