#!/bin/bash
# Builds the release preset and runs its tests. usage: scripts/test.sh [ctest options], as -R tape
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release
exec ctest --test-dir build/release --output-on-failure -j "$(nproc)" "$@"
