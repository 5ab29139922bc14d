#include <lowtide/autodiff/elementwise.h>

namespace lowtide {
namespace {

struct Exp {
  static constexpr const char* name = "exp";
  static auto f(const auto& x) { return exp(x); }
  static auto df(const auto&, const auto& y) { return y; }
};

struct Expm1 {
  static constexpr const char* name = "expm1";
  static auto f(const auto& x) { return expm1(x); }
  static auto df(const auto&, const auto& y) { return y + 1.0; }
};

struct Log {
  static constexpr const char* name = "log";
  static constexpr Interval domain{0.5, 3};
  static auto f(const auto& x) { return log(x); }
  static auto df(const auto& x, const auto&) { return 1.0 / x; }
};

struct Log1p {
  static constexpr const char* name = "log1p";
  static constexpr Interval domain{-0.5, 2};
  static auto f(const auto& x) { return log1p(x); }
  static auto df(const auto& x, const auto&) { return 1.0 / (1.0 + x); }
};

struct Sin {
  static constexpr const char* name = "sin";
  static auto f(const auto& x) { return sin(x); }
  static auto df(const auto& x, const auto&) { return cos(x); }
};

struct Cos {
  static constexpr const char* name = "cos";
  static auto f(const auto& x) { return cos(x); }
  static auto df(const auto& x, const auto&) { return -sin(x); }
};

struct Tanh {
  static constexpr const char* name = "tanh";
  static auto f(const auto& x) { return tanh(x); }
  static auto df(const auto&, const auto& y) { return 1.0 - y * y; }
};

struct Erf {
  static constexpr const char* name = "erf";
  static auto f(const auto& x) { return erf(x); }
  static auto df(const auto& x, const auto&) {
    constexpr double two_over_sqrt_pi = 1.12837916709551257390;
    return two_over_sqrt_pi * exp(-(x * x));
  }
};

}  // namespace

LOWTIDE_ELEMENTWISE_1(exp, Exp)
LOWTIDE_ELEMENTWISE_1(expm1, Expm1)
LOWTIDE_ELEMENTWISE_1(log, Log)
LOWTIDE_ELEMENTWISE_1(log1p, Log1p)
LOWTIDE_ELEMENTWISE_1(sin, Sin)
LOWTIDE_ELEMENTWISE_1(cos, Cos)
LOWTIDE_ELEMENTWISE_1(tanh, Tanh)
LOWTIDE_ELEMENTWISE_1(erf, Erf)

}  // namespace lowtide
