#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/ridge.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t chunk = 2048;  // rows

Tensor plus(const Tensor& a, double factor, const Tensor& b) {
  Tensor c = a;
  blas::axpy<double>(b.size(), factor, b.data<double>(), c.mutable_data<double>());
  return c;
}

// Rows times the roots of their weights.
Tensor weighted(const Tensor& x, const Tensor& weights) {
  if (!weights) return x;
  Tensor y = x;
  double* p = y.mutable_data<double>();
  const std::int64_t n = x.shape[1];
  for (std::int64_t i = 0; i < x.size(); ++i) p[i] *= std::sqrt(weights.at(i / n));
  return y;
}

// AT B, summed over pieces of rows in a fixed tree.
Tensor product(const Tensor& a, const Tensor& b) {
  const std::int64_t n = a.shape[0];
  return tree_reduce(
      std::max<std::int64_t>(1, (n + chunk - 1) / chunk),
      [&](std::int64_t i) {
        const std::int64_t begin = i * chunk, end = std::min(n, begin + chunk);
        return multiply(a.rows(begin, end), b.rows(begin, end), Trans::yes, Trans::no);
      },
      [](Tensor& left, const Tensor& right) { left = plus(left, 1, right); });
}

// [A; sqrt(lambda) I] and [B; 0]: no squares of singular values.
Tensor by_svd(const Tensor& a, const Tensor& b, double lambda) {
  const std::int64_t n = a.shape[0], k = a.shape[1], c = b.shape[1], extra = lambda > 0 ? k : 0;
  Tensor above = zeros({n + extra, k}, Dtype::f64), right = zeros({n + extra, c}, Dtype::f64);
  std::copy_n(a.data<double>(), n * k, above.mutable_data<double>());
  std::copy_n(b.data<double>(), n * c, right.mutable_data<double>());
  for (std::int64_t i = 0; i < extra; ++i) above.mutable_data<double>()[(n + i) * k + i] = std::sqrt(lambda);
  return least_squares(above, right);
}

void check(const Tensor& z, const Tensor& y, const RidgeOptions& o) {
  require_matrix("ridge", z);
  require_matrix("ridge", y);
  require_same_dtype("ridge", z, y);
  if (z.shape[0] != y.shape[0])
    fail<ShapeError>(
        "ridge", fmt::format("rows differ: features {}, targets {}", to_string(z.shape), to_string(y.shape)));
  if (!(o.lambda >= 0) || !std::isfinite(o.lambda))
    fail<Error>("ridge", fmt::format("lambda is {}, not a number from 0 on", o.lambda));
  if (o.prior && !(o.prior.shape == Shape{z.shape[1], y.shape[1]}))
    fail<ShapeError>("ridge", fmt::format("a prior {} for features {} and targets {}", to_string(o.prior.shape),
                                          to_string(z.shape), to_string(y.shape)));
  if (o.weights && !(o.weights.shape == Shape{z.shape[0]}))
    fail<ShapeError>(
        "ridge", fmt::format("weights {} for the rows of {}", to_string(o.weights.shape), to_string(z.shape)));
  require_finite("ridge", z);
  require_finite("ridge", y);
  for (const Tensor* x : {&o.prior, &o.weights})
    if (*x) require_finite("ridge", *x);
  for (std::int64_t i = 0; o.weights && i < o.weights.size(); ++i)
    if (o.weights.at(i) < 0) fail<Error>("ridge", fmt::format("weight {} is {}", i, o.weights.at(i)));
}

}  // namespace

RidgeSolution ridge(const Tensor& features, const Tensor& targets, const RidgeOptions& o) {
  check(features, targets, o);
  const std::int64_t k = features.shape[1];
  const Tensor a = weighted(features.cast(Dtype::f64), o.weights);
  const Tensor prior = o.prior ? o.prior.cast(Dtype::f64) : zeros({k, targets.shape[1]}, Dtype::f64);
  // For the step D away from the prior: (AT A + lambda) D = AT (B - A prior).
  const Tensor b = plus(weighted(targets.cast(Dtype::f64), o.weights), -1, multiply(a, prior));
  Tensor normal = product(a, a);
  for (std::int64_t i = 0; i < k; ++i) normal.mutable_data<double>()[i * (k + 1)] += o.lambda;
  const Tensor right = product(a, b);
  const auto residual = [&](const Tensor& d) {
    const double size = norm(normal) * norm(d) + norm(right);
    return size > 0 ? norm(plus(multiply(normal, d), -1, right)) / size : 0.0;
  };
  Tensor d;
  std::string_view method = "cholesky";
  try {
    const Tensor l = cholesky(normal);
    // Squares of pivots this far apart: the condition number is beyond what f64 can square.
    double least = INFINITY, most = 0;
    for (std::int64_t i = 0; i < k; ++i) {
      least = std::min(least, l.at(i * (k + 1)));
      most = std::max(most, l.at(i * (k + 1)));
    }
    if (k == 0 || least > 1e-5 * most) d = solve_cholesky(l, right);
  } catch (const SolverError&) {  // not positive definite to working precision
  }
  if (!d || !(residual(d) < 1e-12)) {
    d = by_svd(a, b, o.lambda);
    method = "svd";
  }
  return {plus(prior, 1, d).cast(features.dtype), method, residual(d)};
}

}  // namespace lowtide
