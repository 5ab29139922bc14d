#include <lowtide/linalg/cpu.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace lowtide {
namespace {

SimdLevel of_processor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v3 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 ? SimdLevel::v4 : v3 ? SimdLevel::v3 : SimdLevel::base;
#else
  return SimdLevel::base;
#endif
}

SimdLevel wished() {
  const char* text = std::getenv("LOWTIDE_SIMD");
  const std::string_view wish = text ? text : "";
  return wish == "base" ? SimdLevel::base : wish == "v3" ? SimdLevel::v3 : SimdLevel::v4;
}

}  // namespace

SimdLevel simd_level() {
  static const SimdLevel level = std::min(of_processor(), wished());
  return level;
}

const char* name_of(SimdLevel level) {
  switch (level) {
    case SimdLevel::v4:
      return "v4 (AVX-512)";
    case SimdLevel::v3:
      return "v3 (AVX2)";
    default:
      return "baseline";
  }
}

}  // namespace lowtide
