#!/bin/bash
# Looks for inputs that break a parser: scripts/fuzz.sh NAME [seconds, 300 if not said]. NAME: a folder of
# tests/fuzz/corpus. Starts from that and from what earlier runs found interesting; runs are noted in results/fuzz.log.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:-} seconds=${2:-300} seeds=tests/fuzz/corpus/${1:-}
if [ -z "$name" ] || [ ! -d "$seeds" ]; then
  echo "usage: scripts/fuzz.sh NAME [seconds]; NAME: $(ls tests/fuzz/corpus | tr '\n' ' ')" >&2
  exit 2
fi
scripts/build.sh asan --target "fuzz_$name"
found=build/asan/fuzz/$name
mkdir -p "$found/corpus" results
options=(-max_total_time="$seconds" -rss_limit_mb=512 -malloc_limit_mb=64 -timeout=5 -max_len=16384 -print_final_stats=1
  -artifact_prefix="$found/")
[ -f "tests/fuzz/$name.dict" ] && options+=(-dict="tests/fuzz/$name.dict")
begin=$SECONDS outcome=0
build/asan/tests/fuzz/fuzz_"$name" "${options[@]}" "$found/corpus" "$seeds" 2>"$found/log" || outcome=$?
runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$found/log")
echo "$(date -u +%FT%TZ) $name seconds=$((SECONDS - begin)) runs=${runs:-?} outcome=$outcome" | tee -a results/fuzz.log
grep -E "cov: [0-9]+" "$found/log" | tail -1
if [ "$outcome" -ne 0 ]; then
  tail -40 "$found/log" >&2
  echo "fuzz: when it is mended, the input (above) belongs in $seeds" >&2
fi
exit "$outcome"
