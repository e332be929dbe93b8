#!/bin/sh
# Trains and evaluates categories of real photographs and appends a line a run to a CSV. Runs that the CSV has are skipped and one that was
# interrupted is resumed, so a long list can be done in several sittings.
#
#   bench/train-real.sh DATA CSV "CATEGORY..." "SEED..." [TRAIN OPTION]...
#   bench/train-real.sh ~/mvtec bench/results/real.csv "bottle transistor" "0 1 2" --preset fast --time-budget 25m
#   bench/train-real.sh ~/mvtec bench/results/real.csv "bottle transistor" "0 1 2" --preset memory
#
# DATA holds folders in MVTec AD's layout. Models stay in the folder of the CSV, under models/ (ignored by git).
set -eu
[ $# -ge 4 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
data=$1 csv=$2 categories=$3 seeds=$4
shift 4
here=$(cd "$(dirname "$0")/.." && pwd)
models=$(dirname "$csv")/models
mkdir -p "$models"
[ -e "$csv" ] || echo "category,seed,options,images,minutes,image_auroc,pixel_auroc,pro,good_flagged,defects_found" >"$csv"

for category in $categories; do
    for seed in $seeds; do
        grep -q "^$category,$seed,$*," "$csv" && { echo "$category, seed $seed: in $csv already" >&2; continue; }
        model=$models/$category-$seed-$(echo "$*" | tr -c 'A-Za-z0-9.\n' '-').mlffad
        resume=""
        [ -e "$model.state" ] && resume="--resume $model.state"
        # shellcheck disable=SC2086 (no option of ours holds a space)
        [ -e "$model" ] || "$here/mlffad" train "$data/$category" -o "$model" --seed "$seed" "$@" $resume
        "$here/mlffad" evaluate "$model" "$data/$category" --json "$model.json"
        # The network's last step, and the memory's last phase: images are those of the network where there is one.
        step=$(grep '"step"' "$model.log.jsonl" | tail -n 1)
        all=$(grep '"phase":"all"' "$model.log.jsonl" | tail -n 1)
        images=$(echo "${step:-$all}" | sed 's/.*"images":\([0-9]*\).*/\1/')
        minutes=$(printf '%s\n%s\n' "$step" "$all" | awk '
            function number(name) {
                return match($0, "\"" name "\":[0-9.]+") ? substr($0, RSTART + length(name) + 3) + 0 : 0
            }
            /"step"/ && number("imagesPerSecond") > 0 { seconds += number("images") / number("imagesPerSecond") }
            /"phase"/ { seconds += number("seconds") }
            END { print seconds / 60 }')
        awk -v line="$category,$seed,$*,$images,$(printf %.1f "$minutes")" '
            /"kinds"/ && !past { past = 1 }
            !past && /"auroc"/ { gsub(/[^0-9.e-]/, "", $2); auroc[++n] = $2 }
            !past && /"pro"/ { gsub(/[^0-9.e-]/, "", $2); pro = $2 }
            /"kind":/ { good = /"good"/ }
            /"verdict":/ { if (good) { goods++; flagged += /defect/ } else { bads++; found += /defect/ } }
            function short(x) { return x == "" ? "" : sprintf("%.4f", x) }
            END { printf "%s,%s,%s,%s,%d of %d,%d of %d\n", line, short(auroc[1]), short(auroc[2]), short(pro), flagged, goods, found, bads }' "$model.json" >>"$csv"
        tail -n 1 "$csv"
    done
done
