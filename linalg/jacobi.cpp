#include <fmt/format.h>
#include <lowtide/linalg/jacobi.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace lowtide {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();
// Squares of shorter columns would underflow; beside the longest, of 1e-77 or more, they are zero.
constexpr double shortest = 1e-140;

void rotate(std::int64_t n, double* x, double* y, double c, double s) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double xi = x[i], yi = y[i];
    x[i] = c * xi - s * yi;
    y[i] = s * xi + c * yi;
  }
}

// Makes the n rows of w (n,m) orthogonal by plane rotations, which are gathered in v (n,n).
bool sweep(std::int64_t n, std::int64_t m, double* w, double* v) {
  bool rotated = false;
  for (std::int64_t p = 0; p < n; ++p) {
    for (std::int64_t q = p + 1; q < n; ++q) {
      double *x = w + p * m, *y = w + q * m;
      const double xx = std::sqrt(blas::dot(m, x, x)), yy = std::sqrt(blas::dot(m, y, y));
      if (std::min(xx, yy) < shortest) continue;
      const double cosine = blas::dot(m, x, y) / xx / yy;
      if (std::abs(cosine) <= eps * std::sqrt(static_cast<double>(m))) continue;
      // The smaller root of t^2 + 2 zeta t - 1, in lengths rather than squares.
      const double zeta = (yy / xx - xx / yy) / (2 * cosine);
      const double t = std::copysign(1 / (std::abs(zeta) + std::hypot(1.0, zeta)), zeta);
      const double c = 1 / std::hypot(1.0, t);
      rotate(m, x, y, c, c * t);
      rotate(n, v + p * n, v + q * n, c, c * t);
      rotated = true;
    }
  }
  return rotated;
}

// Sets row `row` of u to a unit vector orthogonal to the rows before it: the coordinate vector that
// they cover least, projected twice.
void complete(std::int64_t row, std::int64_t m, double* u) {
  std::vector<double> covered(static_cast<std::size_t>(m), 0.0);
  for (std::int64_t r = 0; r < row; ++r)
    for (std::int64_t i = 0; i < m; ++i) covered[static_cast<std::size_t>(i)] += u[r * m + i] * u[r * m + i];
  double* x = u + row * m;
  std::fill_n(x, m, 0.0);
  x[std::min_element(covered.begin(), covered.end()) - covered.begin()] = 1;
  for (int pass = 0; pass < 2; ++pass)
    for (std::int64_t r = 0; r < row; ++r) blas::axpy(m, -blas::dot(m, u + r * m, x), u + r * m, x);
  blas::scal(m, 1 / blas::nrm2(m, x), x);
}

}  // namespace

Svd svd_jacobi(const Tensor& a) {
  require_matrix("svd_jacobi", a);
  require_finite("svd_jacobi", a);
  if (a.shape[0] < a.shape[1]) {
    const Svd t = svd_jacobi(transposed(a));
    return {transposed(t.vt), t.s, transposed(t.u), t.method};
  }
  const std::int64_t m = a.shape[0], n = a.shape[1];
  const Scaled scaled = scaled_to_one(a.cast(Dtype::f64));
  Tensor columns = transposed(scaled.value), rotations = eye(n, Dtype::f64);
  double *w = columns.mutable_data<double>(), *v = rotations.mutable_data<double>();
  constexpr int most_sweeps = 60;  // six to ten are usual
  int sweeps = 0;
  while (sweep(n, m, w, v))
    if (++sweeps == most_sweeps)
      fail<SolverError>("svd_jacobi",
                        fmt::format("{} did not converge in {} sweeps", to_string(a.shape), sweeps));

  std::vector<double> length(static_cast<std::size_t>(n));
  for (std::int64_t j = 0; j < n; ++j) length[static_cast<std::size_t>(j)] = blas::nrm2(m, w + j * m);
  std::vector<std::size_t> order(length.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return length[i] > length[j]; });
  Tensor ut({n, m}, Dtype::f64), s({n}, Dtype::f64), vt({n, n}, Dtype::f64);
  double* u = ut.mutable_data<double>();
  for (std::int64_t j = 0; j < n; ++j) {
    const std::size_t from = order[static_cast<std::size_t>(j)];
    const auto row = static_cast<std::int64_t>(from);
    const bool zero = length[from] < shortest;
    s.mutable_data<double>()[j] = zero ? 0.0 : length[from];
    std::copy_n(v + row * n, n, vt.mutable_data<double>() + j * n);
    std::transform(w + row * m, w + (row + 1) * m, u + j * m, [&](double x) { return x / length[from]; });
    if (zero) complete(j, m, u);
  }
  // Cast before the last check: what fits f64 may be beyond f32.
  const Tensor values = rescaled("svd_jacobi", s, scaled.exponent).cast(a.dtype);
  return {transposed(ut).cast(a.dtype), rescaled("svd_jacobi", values, 0), vt.cast(a.dtype), "jacobi"};
}

}  // namespace lowtide
