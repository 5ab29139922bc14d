// What this processor can do, asked once.
#pragma once

namespace lowtide {

enum class SimdLevel { base, v3, v4 };  // x86-64 baseline, AVX2 with FMA, AVX-512

// The best level that the processor has; the environment variable LOWTIDE_SIMD lowers it.
SimdLevel simd_level();
const char* name_of(SimdLevel level);

// Of three copies of a function, that for the best level.
template <class F>
F* best_copy(F* base, F* v3, F* v4) {
  const SimdLevel level = simd_level();
  return level == SimdLevel::v4 ? v4 : level == SimdLevel::v3 ? v3 : base;
}

}  // namespace lowtide
