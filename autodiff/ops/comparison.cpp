#include <lowtide/autodiff/elementwise.h>
#include <lowtide/linalg/random.h>

namespace lowtide {
namespace {

// At a tie the first argument counts as the larger (and the smaller), so that the two slopes sum to 1.
struct Maximum {
  static constexpr const char* name = "maximum";
  static constexpr bool separated = true;
  static auto f(const auto& a, const auto& b) { return maximum(a, b); }
  static auto df0(const auto& a, const auto& b, const auto&) { return 1.0 - greater(b, a); }
  static auto df1(const auto& a, const auto& b, const auto&) { return greater(b, a); }
};

struct Minimum {
  static constexpr const char* name = "minimum";
  static constexpr bool separated = true;
  static auto f(const auto& a, const auto& b) { return minimum(a, b); }
  static auto df0(const auto& a, const auto& b, const auto&) { return 1.0 - greater(a, b); }
  static auto df1(const auto& a, const auto& b, const auto&) { return greater(a, b); }
};

// min(max(x, low), high): high wins where the bounds are crossed.
struct Clamp {
  static constexpr const char* name = "clamp";
  static constexpr bool separated = true;
  static auto f(const auto& x, const auto& low, const auto& high) { return minimum(maximum(x, low), high); }
  static auto df0(const auto& x, const auto& low, const auto& high, const auto&) {
    return (1.0 - greater(low, x)) * (1.0 - greater(maximum(x, low), high));
  }
  static auto df1(const auto& x, const auto& low, const auto& high, const auto&) {
    return greater(low, x) * (1.0 - greater(low, high));
  }
  static auto df2(const auto& x, const auto& low, const auto& high, const auto&) {
    return greater(maximum(x, low), high);
  }
};

struct Select {
  static constexpr const char* name = "select";
  static auto f(const auto& mask, const auto& a, const auto& b) { return select(mask, a, b); }
  static auto df1(const auto& mask, const auto&, const auto&, const auto&) { return sign(mask) * sign(mask); }
  static auto df2(const auto& mask, const auto&, const auto&, const auto&) {
    return 1.0 - sign(mask) * sign(mask);
  }
  static std::vector<Sample> samples();
};

struct Greater {
  static constexpr const char* name = "greater";
  static constexpr bool separated = true;
  static auto f(const auto& a, const auto& b) { return greater(a, b); }
};

struct Equal {
  static constexpr const char* name = "equal";
  static auto f(const auto& a, const auto& b) { return equal(a, b); }
};

struct Step {
  static constexpr const char* name = "step";
  static constexpr double kink = 0;
  static auto f(const auto& x) { return step(x); }
};

struct Sign {
  static constexpr const char* name = "sign";
  static constexpr double kink = 0;
  static auto f(const auto& x) { return sign(x); }
};

}  // namespace

LOWTIDE_ELEMENTWISE_2(maximum, Maximum)
LOWTIDE_ELEMENTWISE_2(minimum, Minimum)
LOWTIDE_ELEMENTWISE_3(clamp, Clamp)
LOWTIDE_ELEMENTWISE_3(select, Select)
LOWTIDE_ELEMENTWISE_2(greater, Greater)
LOWTIDE_ELEMENTWISE_2(equal, Equal)
LOWTIDE_ELEMENTWISE_1(step, Step)
LOWTIDE_ELEMENTWISE_1(sign, Sign)

#ifndef LOWTIDE_SIMD_VARIANT
// Differences cannot cross the jump between 0 and not 0, so the mask is a constant here.
std::vector<Sample> Select::samples() {
  const auto masked = [](const Shape& shape) {
    return [shape](const Vars& xs) {
      Tensor mask = zeros(shape, xs[0].dtype());
      dispatch(mask.dtype, [&](auto zero) {
        auto* m = mask.mutable_data<decltype(zero)>();
        for (std::int64_t i = 0; i < mask.size(); i += 2) m[i] = 1;
      });
      return select(Var(mask), xs[0], xs[1]);
    };
  };
  const Stream stream(1, "select");
  const auto input = [&](const Shape& shape, std::uint64_t i) {
    return stream.child("input", i).uniform(shape, Dtype::f64, -2, 2);
  };
  return {{"tall", {input({7, 2}, 0), input({7, 2}, 1)}, masked({7, 2})},
          {"broadcast mask", {input({3, 19}, 2), input({19}, 3)}, masked({3, 1})},
          {"empty", {input({0}, 4), input({0}, 5)}, masked({0})},
          {"scalar", {input({}, 6), input({}, 7)}, masked({})}};
}

Var clamp(const Var& x, double low, double high) { return clamp(x, number_like(x, low), number_like(x, high)); }
#endif

}  // namespace lowtide
