#!/bin/bash
# Configures and builds a preset in build/PRESET, quietly unless it fails.
# usage: scripts/build.sh [PRESET [cmake --build options]]     PRESET: dev, release (default), ...
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  "$@" </dev/null >"$log" 2>&1 || { grep -v '^\[[0-9]*/[0-9]*\]' "$log" >&2 || true; echo "failed: $*" >&2; exit 1; }
}
quietly cmake --preset "$preset"
quietly cmake --build "build/$preset" "$@"
