#include <lowtide/autodiff/elementwise.h>

namespace lowtide {
namespace {

struct Add {
  static constexpr const char* name = "add";
  static constexpr double slopes[] = {1, 1};
  static auto f(const auto& a, const auto& b) { return a + b; }
};

struct Sub {
  static constexpr const char* name = "sub";
  static constexpr double slopes[] = {1, -1};
  static auto f(const auto& a, const auto& b) { return a - b; }
};

struct Mul {
  static constexpr const char* name = "mul";
  static auto f(const auto& a, const auto& b) { return a * b; }
  static auto df0(const auto&, const auto& b, const auto&) { return b; }
  static auto df1(const auto& a, const auto&, const auto&) { return a; }
};

struct Div {
  static constexpr const char* name = "div";
  static constexpr Interval domain{0.5, 2};
  static auto f(const auto& a, const auto& b) { return a / b; }
  static auto df0(const auto&, const auto& b, const auto&) { return 1.0 / b; }
  static auto df1(const auto&, const auto& b, const auto& y) { return -(y / b); }
};

struct Neg {
  static constexpr const char* name = "neg";
  static constexpr double slopes[] = {-1};
  static auto f(const auto& x) { return -x; }
};

struct Reciprocal {
  static constexpr const char* name = "reciprocal";
  static constexpr Interval domain{0.5, 2};
  static auto f(const auto& x) { return 1.0 / x; }
  static auto df(const auto&, const auto& y) { return -(y * y); }
};

struct Square {
  static constexpr const char* name = "square";
  static auto f(const auto& x) { return x * x; }
  static auto df(const auto& x, const auto&) { return 2.0 * x; }
};

struct Sqrt {
  static constexpr const char* name = "sqrt";
  static constexpr Interval domain{0.5, 3};
  static auto f(const auto& x) { return sqrt(x); }
  static auto df(const auto&, const auto& y) { return 0.5 / y; }
};

struct Pow {
  static constexpr const char* name = "pow";
  static constexpr Interval domain{0.5, 2};
  static auto f(const auto& a, const auto& b) { return pow(a, b); }
  static auto df0(const auto& a, const auto& b, const auto&) { return b * pow(a, b - 1.0); }
  static auto df1(const auto& a, const auto&, const auto& y) { return y * log(a); }
};

struct Abs {
  static constexpr const char* name = "abs";
  static constexpr double kink = 0;
  static auto f(const auto& x) { return abs(x); }
  static auto df(const auto& x, const auto&) { return sign(x); }
};

}  // namespace

LOWTIDE_ELEMENTWISE_2(add, Add)
LOWTIDE_ELEMENTWISE_2(sub, Sub)
LOWTIDE_ELEMENTWISE_2(mul, Mul)
LOWTIDE_ELEMENTWISE_2(div, Div)
LOWTIDE_ELEMENTWISE_1(neg, Neg)
LOWTIDE_ELEMENTWISE_1(reciprocal, Reciprocal)
LOWTIDE_ELEMENTWISE_1(square, Square)
LOWTIDE_ELEMENTWISE_1(sqrt, Sqrt)
LOWTIDE_ELEMENTWISE_2(pow, Pow)
LOWTIDE_ELEMENTWISE_1(abs, Abs)

#ifndef LOWTIDE_SIMD_VARIANT
Var number_like(const Var& x, double value) { return Var(scalar(value, x.dtype())); }
Var pow(const Var& a, double b) { return pow(a, number_like(a, b)); }
#endif

}  // namespace lowtide
