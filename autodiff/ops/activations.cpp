#include <lowtide/autodiff/elementwise.h>

namespace lowtide {
namespace {

struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static auto f(const auto& x) { return sigmoid(x); }
  static auto df(const auto&, const auto& y) { return y * (1.0 - y); }
};

struct Relu {
  static constexpr const char* name = "relu";
  static constexpr double kink = 0;
  static auto f(const auto& x) { return maximum(x, 0.0); }
  static auto df(const auto& x, const auto&) { return step(x); }
};

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
struct Softplus {
  static constexpr const char* name = "softplus";
  static auto f(const auto& x) { return maximum(x, 0.0) + log1p(exp(-abs(x))); }
  static auto df(const auto& x, const auto&) { return sigmoid(x); }
};

struct Silu {
  static constexpr const char* name = "silu";
  static auto f(const auto& x) { return x * sigmoid(x); }
  static auto df(const auto& x, const auto& y) {
    const auto s = sigmoid(x);
    return s + y * (1.0 - s);
  }
};

struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr double sqrt_half = 0.70710678118654752440, density = 0.39894228040143267794;
  static auto f(const auto& x) { return 0.5 * x * (1.0 + erf(sqrt_half * x)); }
  static auto df(const auto& x, const auto&) {
    return 0.5 * (1.0 + erf(sqrt_half * x)) + density * x * exp(-0.5 * (x * x));
  }
};

}  // namespace

LOWTIDE_ELEMENTWISE_1(sigmoid, Sigmoid)
LOWTIDE_ELEMENTWISE_1(relu, Relu)
LOWTIDE_ELEMENTWISE_1(softplus, Softplus)
LOWTIDE_ELEMENTWISE_1(silu, Silu)
LOWTIDE_ELEMENTWISE_1(gelu, Gelu)

#ifndef LOWTIDE_SIMD_VARIANT
Var activate(Activation activation, const Var& x) {
  switch (activation) {
    case Activation::tanh:
      return tanh(x);
    case Activation::relu:
      return relu(x);
    case Activation::silu:
      return silu(x);
    case Activation::sin:
      return sin(x);
    case Activation::none:
      break;
  }
  return x;
}

std::string_view name_of(Activation activation) {
  constexpr std::string_view names[] = {"none", "tanh", "relu", "silu", "sin"};
  return names[static_cast<std::size_t>(activation)];
}
#endif

}  // namespace lowtide
