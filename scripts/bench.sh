#!/bin/bash
# Builds and runs a benchmark: scripts/bench.sh NAME [--threads N] [--json] [its own options].
# NAME peers compares with PyTorch and JAX, recipe compares training with PyTorch's, equation training on an equation,
# clawpack the solvers with Clawpack's. Without a NAME: the list.
set -euo pipefail
cd "$(dirname "$0")/.."
list() {
  echo "benchmarks: $(find bench -maxdepth 1 -name 'bench_*.cpp' -printf '%f\n' | sed 's/^bench_//; s/\.cpp$//' |
    sort | tr '\n' ' ')peers recipe equation clawpack"
}
if [ $# -eq 0 ]; then
  list
  exit 0
fi
name=$1
shift
if [ "$name" = peers ]; then
  scripts/setup.sh --bench >&2
  scripts/build.sh release >&2
  exec python3 bench/peers/run.py "$@"
fi
if [ "$name" = recipe ]; then
  scripts/setup.sh --bench >&2
  scripts/build.sh release >&2
  exec python3 bench/peers/run_recipe.py "$@"
fi
if [ "$name" = equation ]; then
  scripts/setup.sh --bench >&2
  scripts/build.sh release >&2
  exec /usr/bin/python3 bench/peers/torch_pinn.py "$@"
fi
if [ "$name" = clawpack ]; then
  scripts/setup.sh --clawpack >&2
  scripts/build.sh release >&2
  exec python3 bench/peers/run_pde.py "$@"
fi
scripts/setup.sh >&2
scripts/build.sh release >&2
program=build/release/bench/bench_$name
[ -x "$program" ] || { echo "bench: no benchmark '$name'; $(list)" >&2; exit 2; }
exec "$program" "$@"
