#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/nystrom.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

double least(const Nystrom& f) { return f.values.size() ? f.values.at(f.values.size() - 1) : 0.0; }

// U diag(d) U^T x
Tensor project(const Tensor& u, const Tensor& d, const Tensor& x) {
  Tensor c = multiply(u, x, Trans::yes);
  const std::int64_t columns = c.shape.row_size();
  dispatch(c.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = c.mutable_data<T>();
    for (std::int64_t i = 0; i < c.size(); ++i) p[i] *= d.data<T>()[i / columns];
  });
  return multiply(u, c);
}

}  // namespace

Nystrom nystrom(const LinOp& A, std::int64_t rank, Stream& rng) {
  if (A.rows != A.cols || rank < 1 || rank > A.rows)
    fail<ShapeError>("nystrom", fmt::format("rank {} of an operator ({},{})", rank, A.rows, A.cols));
  const std::int64_t n = A.rows;
  const Tensor omega = qr(rng.normal({n, rank}, Dtype::f64)).q;
  const Tensor y = times(cast(A, Dtype::f64), omega);
  require_finite("nystrom", y);
  const double size = norm(y);
  if (size == 0) return {omega.cast(A.dtype), zeros({rank}, A.dtype)};

  // The shift nu makes the core positive definite in spite of rounding in A; it is taken off at the end.
  const double rounding =
      A.dtype == Dtype::f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  for (double nu = rounding * size;; nu *= 100) {
    Tensor shifted = y.clone();
    blas::axpy(y.size(), nu, omega.data<double>(), shifted.mutable_data<double>());
    Tensor bt = transposed(shifted);  // becomes C^-1 Y^T
    try {
      const Tensor c = cholesky(multiply(omega, shifted, Trans::yes));
      blas::solve_lower<double>(Trans::no, rank, n, c.data<double>(), rank, bt.mutable_data<double>(), n);
    } catch (const SolverError&) {
      if (nu > std::sqrt(rounding) * size)
        fail<SolverError>("nystrom", fmt::format("the operator ({},{}) is not positive semidefinite", n, n));
      continue;
    }
    const Svd f = svd(bt);
    Tensor values = f.s.clone();
    for (double& v : values.mutable_view<double>()) v = std::max(v * v - nu, 0.0);
    return {transposed(f.vt).cast(A.dtype), values.cast(A.dtype)};
  }
}

LinOp approximation(const Nystrom& f) {
  LinOp A = symmetric_op(f.u.shape[0], f.u.dtype, [f](const Tensor& x) { return project(f.u, f.values, x); });
  A.takes_blocks = true;
  return A;
}

LinOp preconditioner(const Nystrom& f, double mu) {
  if (!(mu >= 0) || !(least(f) + mu > 0))
    fail<SolverError>("preconditioner",
                      fmt::format("shift {} and least value {}: not invertible", mu, least(f)));
  std::vector<double> d = to_vector(f.values);
  for (double& v : d) v = (least(f) + mu) / (v + mu) - 1;
  const Tensor weights = from(f.values.shape, d, f.values.dtype);
  LinOp P = symmetric_op(f.u.shape[0], f.u.dtype, [u = f.u, weights](const Tensor& x) {
    Tensor y = project(u, weights, x);
    dispatch(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* p = y.mutable_data<T>();
      for (std::int64_t i = 0; i < y.size(); ++i) p[i] += x.data<T>()[i];
    });
    return y;
  });
  P.takes_blocks = true;
  return P;
}

double nystrom_error(const LinOp& A, const Nystrom& f, Stream& rng, int iterations) {
  const LinOp difference = sum(cast(A, Dtype::f64), scaled(cast(approximation(f), Dtype::f64), -1));
  Tensor v = rng.normal({A.rows}, Dtype::f64);
  double estimate = 0;
  for (int i = 0; i < iterations; ++i) {
    const double size = norm(v);
    if (size == 0) return 0;
    blas::scal(v.size(), 1 / size, v.mutable_data<double>());
    Tensor w = times(difference, v);
    estimate = std::max(estimate, dot(v, w));
    v = w;
  }
  return estimate;
}

double condition_estimate(const Nystrom& f, double mu, double error) {
  return mu > 0 ? (least(f) + mu + error) / mu : std::numeric_limits<double>::infinity();
}

}  // namespace lowtide
