// Values of the vector kernels against the C library in long double. All of it holds on every
// instruction set; ctest runs it on each (LOWTIDE_SIMD).
#include <lowtide/linalg/cpu.h>

#include <cmath>
#include <limits>
#include <utility>

#include "support.h"

namespace lowtide::test {
namespace {

using Real = long double;
constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

double eps(Dtype d) { return d == Dtype::f32 ? 0x1p-23 : 0x1p-52; }
double smallest(Dtype d) { return d == Dtype::f32 ? 0x1p-126 : 0x1p-1022; }  // normal number

Real sigmoid_of(Real x) { return 1 / (1 + std::exp(-x)); }

struct Kernel {
  const char* name;
  Var (*f)(const Var&);
  Real (*exact)(Real);
  // Error at most eps (relative |y| + absolute max(1, |x|)), relative in f32 and f64.
  double relative[2], absolute;
  std::vector<std::pair<double, double>> ranges;
};

const std::vector<Kernel>& kernels() {
  static const std::vector<Kernel> all{
      {"sqrt", sqrt, [](Real x) { return std::sqrt(x); }, {0.51, 0.51}, 0, {{0, 10}, {0, 1e30}}},
      {"reciprocal", reciprocal, [](Real x) { return 1 / x; }, {0.51, 0.51}, 0, {{-10, 10}, {1e-30, 1e30}}},
      {"exp", exp, [](Real x) { return std::exp(x); }, {1.2, 0.8}, 0, {{-2, 2}, {-87, 88.3}}},
      {"expm1",
       expm1,
       [](Real x) { return std::expm1(x); },
       {1.2, 1.2},
       0,
       {{-1e-3, 1e-3}, {-2, 2}, {-50, 88}}},
      {"log",
       log,
       [](Real x) { return std::log(x); },
       {0.8, 0.8},
       0,
       {{0.9, 1.1}, {0, 10}, {0, 1e30}, {1e-30, 1e-29}}},
      {"log1p",
       log1p,
       [](Real x) { return std::log1p(x); },
       {0.8, 0.8},
       0,
       {{-1e-3, 1e-3}, {-0.99, 3}, {0, 1e30}}},
      {"sin",
       sin,
       [](Real x) { return std::sin(x); },
       {1.8, 1.8},
       0,
       {{-1e-3, 1e-3}, {-3.2, 3.2}, {-1e5, 1e5}, {-1e9, 1e9}}},
      {"cos",
       cos,
       [](Real x) { return std::cos(x); },
       {1.8, 1.8},
       0,
       {{-1e-3, 1e-3}, {-3.2, 3.2}, {-1e5, 1e5}, {-1e9, 1e9}}},
      {"tanh",
       tanh,
       [](Real x) { return std::tanh(x); },
       {3.4, 1.5},
       0,
       {{-1e-3, 1e-3}, {-1, 1}, {-10, 10}, {-1e4, 1e4}}},
      {"erf",
       erf,
       [](Real x) { return std::erf(x); },
       {2, 40},
       0,
       {{-1e-3, 1e-3}, {-1, 1}, {-6, 6}, {-1e4, 1e4}}},
      {"sigmoid", sigmoid, sigmoid_of, {2.5, 2.5}, 0, {{-1, 1}, {-10, 10}, {-50, 50}}},
      {"softplus",
       softplus,
       [](Real x) { return std::max(x, Real{0}) + std::log1p(std::exp(-std::abs(x))); },
       {2, 2},
       0,
       {{-1, 1}, {-10, 10}, {-50, 50}}},
      {"silu",
       silu,
       [](Real x) { return std::isinf(x) && x < 0 ? nan : x * sigmoid_of(x); },
       {3, 3},
       1e-20,  // 0 where exp(-x) overflows
       {{-1, 1}, {-10, 10}, {-50, 50}}},
      {"gelu",
       gelu,
       [](Real x) { return 0.5L * x * std::erfc(-x * std::sqrt(0.5L)); },
       {2, 40},
       20,
       {{-1, 1}, {-4, 4}, {-10, 10}}},
      {"square", square, [](Real x) { return x * x; }, {0.51, 0.51}, 0, {{-10, 10}}},
      {"abs", abs, [](Real x) { return std::abs(x); }, {0, 0}, 0, {{-10, 10}}},
      {"neg", neg, [](Real x) { return -x; }, {0, 0}, 0, {{-10, 10}}},
      {"relu", relu, [](Real x) { return std::isnan(x) ? x : std::max(x, Real{0}); }, {0, 0}, 0, {{-10, 10}}},
  };
  return all;
}

double bound(const Kernel& k, Dtype d, Real x, Real y) {
  return eps(d) * (k.relative[d == Dtype::f64] * static_cast<double>(std::abs(y)) +
                   k.absolute * (std::isinf(x) ? 1 : std::max(1.0, static_cast<double>(std::abs(x))))) +
         smallest(d);  // what is too small to be normal may be 0
}

// The worst error in parts of its bound.
double worst(const Kernel& k, const Tensor& x) {
  const Tensor y = k.f(Var(x)).peek();
  double most = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const Real exact = k.exact(x.at(i));
    const double error = static_cast<double>(std::abs(exact - static_cast<Real>(y.at(i))));
    const double part = error / bound(k, x.dtype, x.at(i), exact);
    if (!(part <= most)) most = part;
  }
  return most;
}

Tensor between(double low, double high, std::int64_t n, Dtype d) {
  return Stream(9, "kernels").uniform({n}, Dtype::f64, low, high).cast(d);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(vector_kernels)

BOOST_AUTO_TEST_CASE(accuracy) {
  BOOST_TEST_MESSAGE("kernels: " << name_of(simd_level()));
  for (const Kernel& k : kernels())
    for (const Dtype d : {Dtype::f32, Dtype::f64})
      for (const auto& [low, high] : k.ranges) {
        const double part = worst(k, between(low, high, 30011, d));
        BOOST_TEST(part <= 1, k.name << " in " << name_of(d) << " on [" << low << ", " << high << "]: " << part
                                     << " of the bound");
      }
  // As they are quoted.
  const auto relative = [](const Kernel& k, Dtype d, double low, double high) {
    const Tensor x = between(low, high, 100003, d), y = k.f(Var(x)).peek();
    double most = 0;
    for (std::int64_t i = 0; i < x.size(); ++i)
      most = std::max(most, static_cast<double>(std::abs(k.exact(x.at(i)) / static_cast<Real>(y.at(i)) - 1)));
    return most;
  };
  for (const Kernel& k : kernels())
    if (std::string_view(k.name) == "tanh" || std::string_view(k.name) == "sin" ||
        std::string_view(k.name) == "exp" || std::string_view(k.name) == "erf")
      BOOST_TEST_MESSAGE(k.name << ": relative error " << relative(k, Dtype::f32, -4, 4) << " in f32, "
                                << relative(k, Dtype::f64, -4, 4) << " in f64 on [-4, 4]");
}

// Where a pack is not full, and where the first element is not aligned.
BOOST_AUTO_TEST_CASE(every_length_and_alignment) {
  for (const Kernel& k : kernels())
    for (const Dtype d : {Dtype::f32, Dtype::f64}) {
      const Tensor all = between(k.ranges[0].first, k.ranges[0].second, 40, d);
      double most = 0;
      for (std::int64_t n = 0; n <= 33; ++n)
        for (std::int64_t start = 0; start < 4; ++start)
          most = std::max(most, worst(k, all.rows(start, start + n)));
      BOOST_TEST(most <= 1, k.name << " in " << name_of(d));
    }
}

BOOST_AUTO_TEST_CASE(special_arguments) {
  for (const Kernel& k : kernels())
    for (const Dtype d : {Dtype::f32, Dtype::f64})
      for (const double wish : {0.0,    -0.0, inf,  -inf,  nan,    1e-320, 1e-310, 1e-40,  -1e-40,
                                1e-300, 88.3, 89.0, -89.0, -103.0, 709.0,  710.0,  -710.0, -746.0,
                                1e5,    -1e5, 1e18, -1e18, 1e38,   1e160,  1e300,  -1e300}) {
        const double x = scalar(wish, d).item(), y = k.f(Var(scalar(x, d))).item();
        // Rounded to the dtype, so that what overflows there is Inf.
        const double exact = scalar(static_cast<double>(k.exact(x)), d).item();
        const std::string label =
            std::string(k.name) + "(" + std::to_string(x) + ") in " + std::string(name_of(d));
        const bool circle = std::string_view(k.name) == "sin" || std::string_view(k.name) == "cos";
        if (std::isnan(exact))
          BOOST_TEST(std::isnan(y), label << " = " << y);
        else if (circle && std::abs(x) > 1e15)  // arguments that are whole turns apart
          BOOST_TEST(std::abs(y) <= 1, label << " = " << y);
        else if (std::isinf(exact) || exact == 0)
          BOOST_TEST((y == exact || (exact == 0 && std::abs(y) <= bound(k, d, x, exact))),
                     label << " = " << y << ", not " << exact);
        else
          BOOST_TEST(std::abs(y - exact) <= bound(k, d, x, exact) + eps(d) * std::abs(exact),
                     label << " = " << y << ", not " << exact);
      }
}

BOOST_AUTO_TEST_CASE(not_a_number_comes_out) {
  const double values[] = {nan, 1.5, -2.0, inf, -inf, 0.0};
  for (const Dtype d : {Dtype::f32, Dtype::f64})
    for (const double a : values)
      for (const double b : values) {
        const Var x(scalar(a, d)), y(scalar(b, d));
        const bool any = std::isnan(a) || std::isnan(b);
        const double larger = maximum(x, y).item(), smaller = minimum(x, y).item();
        BOOST_TEST((any ? std::isnan(larger) : larger == std::max(a, b)), a << ", " << b << ": " << larger);
        BOOST_TEST((any ? std::isnan(smaller) : smaller == std::min(a, b)), a << ", " << b << ": " << smaller);
        BOOST_TEST((std::isnan(clamp(x, -1, 1).item()) == std::isnan(a)));
        BOOST_TEST((std::isnan(clamp(Var(scalar(0, d)), x, y).item()) == any));
        BOOST_TEST((greater(x, y).item() == (a > b ? 1 : 0)));  // masks are never NaN
        BOOST_TEST((equal(x, y).item() == (a == b ? 1 : 0)));
        BOOST_TEST((same_bits(select(Var(scalar(1, d)), x, y).peek(), x.peek())));
        BOOST_TEST((same_bits(select(Var(scalar(0, d)), x, y).peek(), y.peek())));
        BOOST_TEST((std::isnan(add(x, y).item()) == std::isnan(a + b)));
        BOOST_TEST((std::isnan(mul(x, y).item()) == std::isnan(a * b)));
      }
}

BOOST_AUTO_TEST_CASE(powers) {
  const double as[] = {0, 0.3, 1, 2.5, 1e-30, 1e30, inf}, bs[] = {-2, -1, -0.5, 0, 0.5, 1, 2, 3.7, inf, -inf};
  for (const Dtype d : {Dtype::f32, Dtype::f64})
    for (const double a0 : as)
      for (const double b0 : bs) {
        const double a = scalar(a0, d).item(), b = scalar(b0, d).item();
        if (std::isinf(a) && std::isinf(b)) continue;
        const double y = pow(Var(scalar(a, d)), Var(scalar(b, d))).item();
        const double exact = scalar(std::pow(a, b), d).item();
        // b log(a) is rounded before it goes into exp.
        const double tolerance =
            eps(d) * (4 + 4 * std::abs(b * std::log(a > 0 ? a : 1))) * std::abs(exact) + smallest(d);
        BOOST_TEST((y == exact || std::abs(y - exact) <= tolerance),
                   a << "^" << b << " in " << name_of(d) << " = " << y << ", not " << exact);
      }
  BOOST_TEST(std::isnan(pow(Var(scalar(0, Dtype::f64)), nan).item()));
  // The slope at 0, where there is one.
  const auto slope_at_0 = [](double b) {
    return value_and_grad([b](const Var& x) { return pow(x, b); }, scalar(0, Dtype::f64)).gradient.item();
  };
  BOOST_TEST(slope_at_0(1) == 1);
  BOOST_TEST(slope_at_0(2) == 0);
}

// Where a function has long been flat or straight, so is its derivative.
BOOST_AUTO_TEST_CASE(slopes_far_out) {
  struct Far {
    const char* name;
    Var (*f)(const Var&);
    double left, right;
  };
  const Far all[] = {{"tanh", tanh, 0, 0}, {"sigmoid", sigmoid, 0, 0}, {"softplus", softplus, 0, 1},
                     {"silu", silu, 0, 1}, {"gelu", gelu, 0, 1},       {"erf", erf, 0, 0},
                     {"relu", relu, 0, 1}, {"abs", abs, -1, 1}};
  for (const Far& far : all)
    for (const Dtype d : {Dtype::f32, Dtype::f64})
      for (const double size : {1e3, 1e10, 1e30}) {
        const auto at = [&](double x) {
          Tape tape;
          const Var v = tape.leaf(scalar(x, d));
          const Var slope = pull(far.f(v), Var(scalar(1, d)), v, Graph::keep);
          const Var curvature = slope.tracked() ? pull(slope, Var(scalar(1, d)), v) : Var(scalar(0, d));
          BOOST_TEST(curvature.peek().item() == 0, far.name << " at " << x);
          return slope.peek().item();
        };
        BOOST_TEST(at(-size) == far.left, far.name << " at " << -size << " in " << name_of(d));
        BOOST_TEST(at(size) == far.right, far.name << " at " << size << " in " << name_of(d));
      }
}

// Reductions of what would overflow, or is infinite.
BOOST_AUTO_TEST_CASE(reductions_stay_in_range) {
  for (const Dtype d : {Dtype::f32, Dtype::f64}) {
    const double huge = d == Dtype::f32 ? 1e30 : 1e200;
    const auto pair = [d](double a, double b) { return Var(from({2}, {a, b}, d)); };
    BOOST_TEST(std::abs(norm(pair(3 * huge, 4 * huge)).item() / (5 * huge) - 1) < 4 * eps(d));
    BOOST_TEST(std::abs(norm(pair(3 / huge, 4 / huge)).item() * huge / 5 - 1) < 4 * eps(d));
    BOOST_TEST(norm(pair(0, 0)).item() == 0);
    BOOST_TEST(norm(pair(-inf, 1)).item() == inf);
    BOOST_TEST(std::isnan(norm(pair(nan, 1)).item()));
    BOOST_TEST(logsumexp(pair(1e4, 1e4), 0).item() == scalar(1e4 + std::log(2.0), d).item());
    BOOST_TEST(logsumexp(pair(-1e4, -2e4), 0).item() == -1e4);
    BOOST_TEST(logsumexp(pair(-inf, 2), 0).item() == 2);
    BOOST_TEST(logsumexp(pair(-inf, -inf), 0).item() == -inf);
    BOOST_TEST(logsumexp(pair(inf, 2), 0).item() == inf);
    BOOST_TEST(std::isnan(logsumexp(pair(nan, inf), 0).item()));
    BOOST_TEST(std::isnan(logsumexp(pair(-inf, nan), 0).item()));
    BOOST_TEST(max_abs(softmax(pair(1e4, -1e4), 0).peek()) == 1);
    // A slope where the norm has none, and where its square would overflow.
    const auto slope =
        value_and_grad([](const Var& x) { return norm(x); }, pair(3 * huge, 4 * huge).peek()).gradient;
    BOOST_TEST(gap(slope, from({2}, {0.6, 0.8}, d)) < 4 * eps(d));
    BOOST_TEST(max_abs(value_and_grad([](const Var& x) { return norm(x); }, zeros({2}, d)).gradient) == 0);
  }
}

// Broadcasting, against loops.
BOOST_AUTO_TEST_CASE(every_length_of_two_operands) {
  for (const Dtype d : {Dtype::f32, Dtype::f64})
    for (std::int64_t n = 0; n <= 33; ++n) {
      const Tensor a = uniform({3, n}, "a", d), row = uniform({n}, "row", d),
                   column = uniform({3, 1}, "column", d);
      const Tensor by_row = sub(Var(a), Var(row)).peek(), by_column = sub(Var(column), Var(a)).peek(),
                   both = sub(Var(row), Var(column)).peek();
      bool right = true;
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          const auto rounded = [&](double x) { return d == Dtype::f32 ? static_cast<float>(x) : x; };
          right = right && by_row.at(i * n + j) == rounded(a.at(i * n + j) - row.at(j)) &&
                  by_column.at(i * n + j) == rounded(column.at(i) - a.at(i * n + j)) &&
                  both.at(i * n + j) == rounded(row.at(j) - column.at(i));
        }
      BOOST_TEST(right, n << " in " << name_of(d));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
