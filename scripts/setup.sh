#!/bin/bash
# Installs what building and testing needs, on Debian 12, Ubuntu 24.04 and later.
# usage: scripts/setup.sh [--bench] [--clawpack] [--no-browser]
#   --bench, --clawpack: also PyTorch, JAX and hmat-oss, or Clawpack, to compare with
#   --no-browser: without Chromium, in which a test looks at reports
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  build-essential cmake ninja-build ccache git pkg-config
  libopenblas-pthread-dev liblapacke-dev libtbb-dev libfmt-dev libxsimd-dev librandom123-dev
  libhdf5-dev zlib1g-dev libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libxxhash-dev
  libboost-test-dev libbenchmark-dev
  clang-16 libclang-rt-16-dev clang-format-16 valgrind qemu-user
  gnuplot-nox librsvg2-bin fonts-dejavu-core python3 python3-numpy python3-h5py python3-vtk9
)
bench= clawpack= browser=chromium
grep -qx 'ID=debian' /etc/os-release 2>/dev/null || browser=  # Ubuntu has it as a snap only; the test is skipped
for option in "$@"; do
  case $option in
    --bench) bench=1; packages+=(python3-torch python3-venv ca-certificates libhmat-oss-dev) ;;
    --clawpack) clawpack=1; packages+=(gfortran python3-venv ca-certificates) ;;
    --no-browser) browser= ;;
    *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
  esac
done
[ -z "$browser" ] || packages+=("$browser")

fail() { echo "setup: $*" >&2; exit 1; }

command -v dpkg-query >/dev/null || fail "needs Debian or Ubuntu; elsewhere install the packages named in $0"
present=$(dpkg-query -W -f='${db:Status-Status}:${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qx "installed:$package" <<<"$present" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "not root and no sudo; ask for: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null
  }
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  echo "setup: installing ${missing[*]}"
  apt update >"$log" 2>&1 || fail "apt-get update failed: $(tail -n 1 "$log")"
  apt install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
    fail "apt-get install failed: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
fi

venv=${LOWTIDE_PEERS_VENV:-build/peers-venv}
if [ -n "$bench" ] && ! "$venv/bin/python" -c 'import jax' 2>/dev/null; then
  bench/peers/setup.sh || fail "could not install JAX from PyPI"
fi

venv=${LOWTIDE_CLAWPACK_VENV:-build/clawpack-venv}
if [ -n "$clawpack" ] && [ ! -x "$venv/bin/clawpack-advection2d-tuned" ]; then
  bench/peers/clawpack_setup.sh || fail "could not build Clawpack from PyPI"
fi
