#include <lowtide/linalg/simd.h>
#include <lowtide/pde/slopes.h>

#ifndef LOWTIDE_SIMD_VARIANT
#include <lowtide/io/file.h>
#endif

namespace lowtide::pde {

struct SlopeKernels {
  HalfSlopes* of[6] = {};
};

namespace LOWTIDE_SIMD_NAMESPACE {

using V = ::lowtide::LOWTIDE_SIMD_NAMESPACE::Pack<double>;

// From the differences a and b on both sides.
struct Zero {
  static V half(const V&, const V&) { return V(0.0); }
};
struct None {
  static V half(const V& a, const V& b) { return 0.25 * (a + b); }
};
struct Minmod {
  static V half(const V& a, const V& b) {
    const V least = minimum(abs(a), abs(b));
    return select(greater(a * b, V(0.0)), 0.5 * select(greater(a, V(0.0)), least, -least), V(0.0));
  }
};
struct Mc {
  static V half(const V& a, const V& b) {
    const V least = minimum(0.25 * abs(a + b), minimum(abs(a), abs(b)));
    return select(greater(a * b, V(0.0)), select(greater(a, V(0.0)), least, -least), V(0.0));
  }
};
struct VanLeer {
  static V half(const V& a, const V& b) {
    const V product = a * b, mask = greater(product, V(0.0));
    return select(mask, product / select(mask, a + b, V(1.0)), V(0.0));
  }
};
struct Superbee {
  static V half(const V& a, const V& b) {
    const V x = abs(a), y = abs(b);
    const V most = maximum(minimum(0.5 * x, y), minimum(x, 0.5 * y));
    return select(greater(a * b, V(0.0)), select(greater(a, V(0.0)), most, -most), V(0.0));
  }
};

template <class L>
void slopes(const double* m, const double* w, const double* p, double* half, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += V::size) {
    const V here = V::load(w + i);
    L::half(here - V::load(m + i), V::load(p + i) - here).store(half + i);
  }
}

}  // namespace LOWTIDE_SIMD_NAMESPACE

LOWTIDE_KERNELS(slope, SlopeKernels,
                {{&LOWTIDE_SIMD_NAMESPACE::slopes<LOWTIDE_SIMD_NAMESPACE::Zero>,
                  &LOWTIDE_SIMD_NAMESPACE::slopes<LOWTIDE_SIMD_NAMESPACE::None>,
                  &LOWTIDE_SIMD_NAMESPACE::slopes<LOWTIDE_SIMD_NAMESPACE::Minmod>,
                  &LOWTIDE_SIMD_NAMESPACE::slopes<LOWTIDE_SIMD_NAMESPACE::Mc>,
                  &LOWTIDE_SIMD_NAMESPACE::slopes<LOWTIDE_SIMD_NAMESPACE::VanLeer>,
                  &LOWTIDE_SIMD_NAMESPACE::slopes<LOWTIDE_SIMD_NAMESPACE::Superbee>}})

#ifndef LOWTIDE_SIMD_VARIANT
namespace {
constexpr const char* names[] = {"zero", "none", "minmod", "mc", "vanleer", "superbee"};
}

const char* name_of(Limiter limiter) { return names[static_cast<int>(limiter)]; }

Limiter limiter_named(const std::string& name) {
  for (int i = 0; i < 6; ++i)
    if (name == names[i]) return static_cast<Limiter>(i);
  throw InputError("unknown limiter '" + name + "'; there are zero, none, minmod, mc, vanleer, superbee");
}

HalfSlopes* half_slopes(Limiter limiter) {
  static const SlopeKernels kernels = slope_kernels();
  return kernels.of[static_cast<int>(limiter)];
}
#endif

}  // namespace lowtide::pde
