// What this processor can do, asked once.
#pragma once

namespace lowtide {

enum class SimdLevel { base, v3, v4 };  // x86-64 baseline, AVX2 with FMA, AVX-512

// The best level that the processor has; the environment variable LOWTIDE_SIMD lowers it.
SimdLevel simd_level();
const char* name_of(SimdLevel level);

}  // namespace lowtide
