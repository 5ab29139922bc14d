// What the tests of this folder share: matrices of known properties, and measures of agreement.
#pragma once
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/random.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace lowtide::test {

constexpr Dtype both[] = {Dtype::f32, Dtype::f64};
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

inline double eps(Dtype d) { return d == Dtype::f32 ? 0x1p-23 : 0x1p-52; }

// The norm of a - b; infinite if they are not comparable.
inline double gap(const Tensor& a, const Tensor& b) {
  if (!(a.shape == b.shape) || a.dtype != b.dtype) return infinity;
  const std::vector<double> x = to_vector(a), y = to_vector(b);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::isnan(sum) ? infinity : std::sqrt(sum);
}

// |Q^T Q - I|
inline double skewness(const Tensor& q) { return gap(multiply(q, q, Trans::yes), eye(q.shape[1], q.dtype)); }

inline Tensor gaussian(const Shape& shape, Dtype dtype, std::uint64_t index = 0) {
  return Stream(7, "test matrices").child("gaussian", index).normal(shape, dtype);
}

inline Tensor orthonormal(std::int64_t m, std::int64_t n, Dtype dtype, std::uint64_t index = 0) {
  return qr(gaussian({m, n}, dtype, index)).q;
}

// a with column j times d[j]
inline Tensor columns_times(const Tensor& a, const std::vector<double>& d) {
  std::vector<double> v = to_vector(a);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] *= d[i % d.size()];
  return from(a.shape, v, a.dtype);
}

// U diag(d) V^T with orthonormal U (m,k) and V (n,k), k the length of d.
inline Tensor with_singular_values(std::int64_t m, std::int64_t n, const std::vector<double>& d, Dtype dtype) {
  const auto k = static_cast<std::int64_t>(d.size());
  const Tensor u = columns_times(orthonormal(m, k, Dtype::f64, 1), d);
  return multiply(u, orthonormal(n, k, Dtype::f64, 2), Trans::no, Trans::yes).cast(dtype);
}

// Q diag(d) Q^T
inline Tensor with_eigenvalues(const std::vector<double>& d, Dtype dtype = Dtype::f64) {
  const auto n = static_cast<std::int64_t>(d.size());
  const Tensor q = orthonormal(n, n, Dtype::f64, 3);
  return multiply(columns_times(q, d), q, Trans::no, Trans::yes).cast(dtype);
}

inline std::vector<double> geometric(std::size_t n, double ratio) {
  std::vector<double> d(n);
  for (std::size_t i = 0; i < n; ++i) d[i] = std::pow(ratio, static_cast<double>(i));
  return d;
}

template <class F>
double seconds(const F& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The message of the E that f throws; empty if it throws nothing or something else.
template <class E, class F>
std::string thrown(const F& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  } catch (...) {
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace lowtide::test
