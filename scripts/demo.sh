#!/bin/bash
# Builds lowtide, trains the demonstration model and says where its picture is.
# usage: scripts/demo.sh [options of the experiment]     --out DIR, default run-demo
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "building..."
scripts/build.sh release

out=run-demo
for ((i = 1; i < $#; ++i)); do
  if [ "${!i}" = --out ]; then
    next=$((i + 1))
    out=${!next}
  fi
done
build/release/experiments/travelling_wave --out "$out" "$@"

picture=$(find "$out" -name '*.svg' -o -name '*.png' | sort | head -n 1)
[ -n "$picture" ] || { echo "demo: no picture in $out" >&2; exit 1; }
echo "picture: $picture"
