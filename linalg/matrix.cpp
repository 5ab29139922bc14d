#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {

Tensor multiply(const Tensor& a, const Tensor& b, Trans ta, Trans tb) {
  const bool column = b.shape.rank() == 1;
  require_matrix("multiply", a);
  if (!column) require_matrix("multiply", b);
  require_same_dtype("multiply", a, b);
  const bool at = ta == Trans::yes, bt = tb == Trans::yes;
  const std::int64_t b_rows = b.shape[0], b_cols = column ? 1 : b.shape[1];
  const std::int64_t m = a.shape[at], k = a.shape[!at], n = bt ? b_rows : b_cols;
  if (k != (bt ? b_cols : b_rows) || (column && bt))
    fail<ShapeError>("multiply", fmt::format("inner dimensions differ: {}{} times {}{}", to_string(a.shape),
                                             at ? "^T" : "", to_string(b.shape), bt ? "^T" : ""));
  Tensor c(column ? Shape{m} : Shape{m, n}, a.dtype);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (column)
      blas::gemv<T>(ta, a.shape[0], a.shape[1], T{1}, a.data<T>(), a.shape[1], b.data<T>(), T{0},
                    c.mutable_data<T>());
    else
      blas::gemm<T>(ta, tb, m, n, k, T{1}, a.data<T>(), a.shape[1], b.data<T>(), b_cols, T{0},
                    c.mutable_data<T>(), n);
  });
  return c;
}

double dot(const Tensor& a, const Tensor& b) {
  require_same_dtype("dot", a, b);
  if (!(a.shape == b.shape))
    fail<ShapeError>("dot", fmt::format("shapes differ: {} and {}", to_string(a.shape), to_string(b.shape)));
  if (a.dtype == Dtype::f64) return blas::dot<double>(a.size(), a.data<double>(), b.data<double>());
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a.data<float>()[i]) * static_cast<double>(b.data<float>()[i]);
  return sum;
}

double norm(const Tensor& a) {
  // Squares of f32 are always within the range of f64.
  if (a.dtype == Dtype::f32) return std::sqrt(dot(a, a));
  const Scaled s = scaled_to_one(a);
  return std::ldexp(std::sqrt(dot(s.value, s.value)), s.exponent);
}

Scaled scaled_to_one(const Tensor& a) {
  return dispatch(a.dtype, [&](auto zero) -> Scaled {
    using T = decltype(zero);
    T largest{0};
    for (T x : a.view<T>()) largest = std::max(largest, std::abs(x));
    if (largest == T{0} || !std::isfinite(largest)) return {a, 0};
    int exponent = 0;
    std::frexp(largest, &exponent);
    exponent &= ~1;
    // In the middle half of the exponents squares, and sums of 2^40 of them, stay in range in f64.
    if (std::abs(exponent) <= std::numeric_limits<T>::max_exponent / 4) return {a, 0};
    Tensor t(a.shape, a.dtype);
    std::transform(a.data<T>(), a.data<T>() + a.size(), t.mutable_data<T>(),
                   [&](T x) { return std::ldexp(x, -exponent); });
    return {t, exponent};
  });
}

Tensor rescaled(const char* op, Tensor a, int exponent) {
  if (exponent != 0) {
    dispatch(a.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (T& x : a.mutable_view<T>()) x = std::ldexp(x, exponent);
    });
  }
  if (!all_finite(a))
    fail<NonFiniteError>(
        op, fmt::format("the result {} is beyond the range of {}", to_string(a.shape), name_of(a.dtype)));
  return a;
}

void require_matrix(const char* op, const Tensor& a) {
  if (a.shape.rank() != 2)
    fail<ShapeError>(op,
                     a ? fmt::format("{} is not a matrix", to_string(a.shape)) : "a tensor without a value");
  if (std::max(a.shape[0], a.shape[1]) > std::numeric_limits<int>::max())
    fail<ShapeError>(op, fmt::format("{} is beyond the 2^31 of this BLAS", to_string(a.shape)));
}

void require_square(const char* op, const Tensor& a) {
  require_matrix(op, a);
  if (a.shape[0] != a.shape[1]) fail<ShapeError>(op, fmt::format("{} is not square", to_string(a.shape)));
}

void require_finite(const char* op, const Tensor& a) {
  if (all_finite(a)) return;
  const std::vector<double> v = to_vector(a);
  const auto bad = std::find_if(v.begin(), v.end(), [](double x) { return !std::isfinite(x); });
  fail<NonFiniteError>(op, fmt::format("element {} of {} is {}", bad - v.begin(), to_string(a.shape), *bad));
}

void require_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  if (a.dtype != b.dtype)
    fail<DtypeError>(op, fmt::format("{} {} met {} {}", name_of(a.dtype), to_string(a.shape), name_of(b.dtype),
                                     to_string(b.shape)));
}

}  // namespace lowtide
