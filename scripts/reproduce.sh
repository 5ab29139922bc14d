#!/bin/bash
# One case of the LRNR paper, sections 4.3 to 6: trains the LRNR by our recipe, then by the paper's, a SIREN and a NIF
# for the same work, and POD; compares, reduces, writes a report, and gathers the numbers as JSON.
# usage: scripts/reproduce.sh CASE [--preset demo|study|paper] [--seed N] [--only lrnr-paper,siren,nif,pod] [-o DIR] [--set [MODEL:]NAME=VALUE]...
# A setting with a MODEL before it, lrnr or one of these, is for that one alone.
# Environment: LOWTIDE, the program to run. A run that was stopped goes on; one that is finished is not repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
usage() { sed -n 's/^# usage: /usage: /p' scripts/reproduce.sh >&2; exit 2; }

[ $# -ge 1 ] || usage
case=$1 preset=study seed=0 only=lrnr-paper,siren,nif,pod out="" settings=() own=()
shift
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --preset) preset=$2 ;;
    --seed) seed=$2 ;;
    --only) only=$2 ;;
    -o) out=$2 ;;
    --set) case ${2%%=*} in *:*) own+=("$2") ;; *) settings+=("$2") ;; esac ;;
    *) usage ;;
  esac
  shift 2
done
for model in ${only//,/ }; do
  case $model in lrnr-paper|siren|nif|pod) ;; *) usage ;; esac
done
for setting in "${own[@]}"; do
  case ,lrnr,$only, in *",${setting%%:*},"*) ;; *) usage ;; esac
done
name=$case-$preset
[ "$seed" = 0 ] || name=$name-seed$seed
out=${out:-runs/$name}
lowtide=${LOWTIDE:-build/release/lowtide}
[ -x "$lowtide" ] || { scripts/setup.sh --no-browser && scripts/build.sh release --target lowtide_program; }

number() { sed -n "s/^ *\"$1\": *\([0-9.e+-]*\),*$/\1/p" "$2"; }
wanted() { case ",$only," in *",$1,"*) ;; *) return 1 ;; esac; }

# without PATTERN...: the settings that are not for those who come next
without() {
  local k pattern
  for k in "${!settings[@]}"; do
    for pattern in "$@"; do
      # shellcheck disable=SC2053  # a pattern it is
      [[ ${settings[k]-} != $pattern=* ]] || unset "settings[k]"
    done
  done
}

# train NAME MODEL RECIPE NAME=VALUE...: anew, or on from where it was stopped. Settings for all go before those here,
# and settings for this one before both.
train() {
  local name=$1 model=$2 recipe=$3 folder=$out/$1 setting words=()
  local -A value=()
  shift 3
  for setting in "run.seed=$seed" "$@" "${settings[@]}"; do value[${setting%%=*}]=${setting#*=}; done
  for setting in "${own[@]}"; do
    [ "${setting%%:*}" != "$name" ] || { setting=${setting#*:}; value[${setting%%=*}]=${setting#*=}; }
  done
  for setting in "${!value[@]}"; do words+=(--set "$setting=${value[$setting]}"); done
  if grep -qs '"exit": "done"' "$folder/manifest.json"; then
    echo "$folder is there already"
  elif [ -d "$folder/checkpoints" ]; then
    "$lowtide" train --resume "$folder"
  else
    "$lowtide" train "$case" --preset "$preset" --model "$model" --recipe "$recipe" --force "${words[@]}" -o "$folder"
  fi
}

mkdir -p "$out"
train lrnr lrnr fast train.evaluate_every=20
without train.epochs train.l1_epochs
work=$(number gflop "$out/lrnr/manifest.json")
! wanted lrnr-paper || train lrnr-paper lrnr paper "train.gflop=$work" train.evaluate_every=20
without 'model.rank*' model.term_rank model.head 'model.hyper*' 'init.*'
! wanted siren || train siren siren fast "train.gflop=$work"
! wanted nif || train nif nif fast "train.gflop=$work"
runs=("$out/lrnr") alone=()
for model in lrnr-paper siren nif; do
  ! wanted $model || runs+=("$out/$model")
done
if wanted pod; then  # it has no training to set, and wants the same points at all times
  without 'train.*' 'optim.*' 'loss.*' 'init.*' 'model.*'
  case $case in
    *1d) train pod pod fast; runs+=("$out/pod") ;;
    *) train pod pod fast ratios=; alone=("$out/pod") ;;
  esac
fi
"$lowtide" compare "${runs[@]}" --plot "$out/compare.svg" --csv "$out/compare.csv"
"$lowtide" compare "${runs[@]}" --json > "$out/compare.json"
[ ${#alone[@]} = 0 ] || "$lowtide" compare "${alone[@]}" --json > "$out/compare-pod.json"
"$lowtide" reduce "$out/lrnr" | tee "$out/reduce.txt"
"$lowtide" report "${runs[@]}" --force -o "$out/report.html"
bench/reproduction.py collect "$out" "$out/$name.json"
echo "numbers: $out/$name.json; report: $out/report.html"
