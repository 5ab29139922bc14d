#!/bin/bash
# The checks that take too long for every commit: thread sanitizer, valgrind, every kind of BLAS
# kernel, every instruction set, Clang, native and static builds, fuzzing. Goes on after a failure; the last
# line tells what failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
scripts/setup.sh || exit

failed=()
no_code='^(consumer|layers|headers|on_.*)$'  # tests that run none of our code, or little
stage() {
  local name=$1 begin=$SECONDS
  shift
  echo "== $name"
  "$@" || failed+=("$name")
  echo "== $name: $((SECONDS - begin)) s"
}
tests_of() {  # PRESET [ctest options]
  local preset=$1
  shift
  scripts/build.sh "$preset" && ctest --preset "$preset" -j "$(nproc)" "$@"
}
# The sanitizer cannot place its shadow memory on kernels that randomize addresses by many bits.
tsan() { scripts/build.sh tsan && setarch -R ctest --preset tsan -j "$(nproc)" -E "$no_code"; }
valgrind_linalg() {
  scripts/build.sh release || return
  local program
  for program in build/release/tests/linalg/test_*; do
    LOWTIDE_SIMD=v3 OPENBLAS_CORETYPE=Haswell valgrind -q --error-exitcode=1 --leak-check=full \
      --show-leak-kinds=definite --errors-for-leak-kinds=definite "$program" || return
  done
}
kernel_types() {
  scripts/build.sh release || return
  local kind status=0
  for kind in Haswell Zen SkylakeX; do
    if [ $kind = SkylakeX ] && ! grep -q avx512bw /proc/cpuinfo; then
      echo "SKIPPED: $kind kernels, this processor has no AVX-512"
      continue
    fi
    echo "$kind"
    OPENBLAS_CORETYPE=$kind ctest --preset release -j "$(nproc)" -E "$no_code" || status=1
  done
  return $status
}
instruction_sets() {
  scripts/build.sh release || return
  local level status=0
  for level in base v3; do
    echo "LOWTIDE_SIMD=$level"
    LOWTIDE_SIMD=$level ctest --preset release -j "$(nproc)" -E "$no_code" || status=1
  done
  return $status
}
static() {
  cmake --preset release -B build/static -DBUILD_SHARED_LIBS=OFF >/dev/null && cmake --build build/static >/dev/null &&
    ctest --test-dir build/static --output-on-failure -j "$(nproc)"
}

fuzzing() {
  local corpus status=0
  for corpus in tests/fuzz/corpus/*/; do scripts/fuzz.sh "$(basename "$corpus")" 120 || status=1; done
  return $status
}

stage "thread sanitizer" tsan
stage "valgrind" valgrind_linalg
stage "BLAS kernel types" kernel_types
stage "instruction sets" instruction_sets
stage "clang" tests_of clang
stage "native" tests_of native
stage "static" static
stage "fuzzing" fuzzing
if [ ${#failed[@]} -gt 0 ]; then
  printf 'nightly: FAILED:'
  printf ' [%s]' "${failed[@]}"
  echo
  exit 1
fi
echo "nightly: everything passed"
