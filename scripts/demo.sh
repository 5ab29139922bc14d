#!/bin/bash
# The main job, from data to figures: solves the Euler case, trains an LRNR and hypernetwork-SIRENs on it, at equal
# steps and at equal time, compares them on frames that none has seen, reduces the LRNR, and writes it all up.
# usage: scripts/demo.sh [DIR]     default run-demo
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-run-demo}
[ ! -e "$out" ] || { echo "demo: $out exists; remove it or name another folder" >&2; exit 2; }
scripts/setup.sh --no-browser
echo "building..."
scripts/build.sh release --target lowtide_program
lowtide=build/release/lowtide

mkdir -p "$out"
"$lowtide" data euler1d -o "$out/data.h5" --plot
train() { "$lowtide" train euler1d --data "$out/data.h5" "$@"; }
number() { sed -n "s/^ *\"$1\": *\([0-9.e+-]*\),*$/\1/p" "$out/$2/manifest.json"; }

train --model lrnr --out "$out/lrnr"
train --model siren --out "$out/siren"

# A SIREN with the epochs that fit into the LRNR's time. Its first epochs are faster than the mean: so once more, from
# what they took.
epochs() { awk -v n="$1" -v part="$part" 'BEGIN { n = int(n * part); print (n < 1 ? 1 : n) }'; }
part=1 last=siren
for attempt in first second; do
  part=$(awk -v p="$part" -v a="$(number seconds lrnr)" -v b="$(number seconds $last)" 'BEGIN { p *= a / b; print (p < 1 ? p : 1) }')
  last=siren-equal-time
  train --model siren --out "$out/$last" --force --set "train.epochs=$(epochs 300)" --set "train.l1_epochs=$(epochs 100)" |
    sed "s/^/$attempt attempt: /"
done

"$lowtide" compare "$out/lrnr" "$out/siren" "$out/siren-equal-time" \
  --plot "$out/compare.svg" --csv "$out/compare.csv" | tee "$out/compare.txt"
"$lowtide" reduce "$out/lrnr" | tee "$out/reduce.txt"
"$lowtide" report "$out/lrnr" "$out/siren" "$out/siren-equal-time" -o "$out/report.html"
echo "pictures: $out/data.svg, $out/compare.svg, $out/compare-history.svg"
