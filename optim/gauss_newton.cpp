#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/gauss_newton.h>

#include <algorithm>
#include <cmath>

namespace lowtide {

Tensor gram(const Tensor& a, bool transposed) {
  require_matrix("gram", a);
  const std::int64_t p = a.shape[1], n = transposed ? p : a.shape[0], inner = transposed ? a.shape[0] : p;
  Tensor result({n, n}, a.dtype);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = a.data<T>();
    T* to = result.mutable_data<T>();
    constexpr std::int64_t side = 256;
    const std::int64_t blocks = (n + side - 1) / side;
    parallel_for(blocks * (blocks + 1) / 2, [&](std::int64_t k) {
      std::int64_t i = 0;
      while ((i + 1) * (i + 2) / 2 <= k) ++i;
      const std::int64_t top = i * side, left = (k - i * (i + 1) / 2) * side;
      const std::int64_t height = std::min(side, n - top), width = std::min(side, n - left);
      if (transposed)
        blas::gemm(Trans::yes, Trans::no, height, width, inner, T{1}, from + top, p, from + left, p, T{0},
                   to + top * n + left, n);
      else
        blas::gemm(Trans::no, Trans::yes, height, width, inner, T{1}, from + top * p, p, from + left * p, p,
                   T{0}, to + top * n + left, n);
      if (left < top)
        for (std::int64_t y = 0; y < height; ++y)
          for (std::int64_t x = 0; x < width; ++x) to[(left + x) * n + top + y] = to[(top + y) * n + left + x];
    });
  });
  return result;
}

double GaussNewton::flops(const Tensor& J) {
  const auto less = static_cast<double>(std::min(J.shape[0], J.shape[1])),
             more = static_cast<double>(J.size()) / less;
  return less * less * more + less * less * less / 3 + 4 * less * more;
}

bool GaussNewton::step(Tensors& theta, const Tensor& J, const Tensor& r,
                       FunctionRef<Tensor(const Tensors&)> residuals) {
  const std::int64_t m = J.shape[0], p = J.shape[1];
  const bool wide = m <= p;  // the smaller of the two systems
  const Tensor products = gram(J, !wide), right = wide ? r : multiply(J, r, Trans::yes);
  const std::int64_t n = products.shape[0];
  double mean = 0;
  for (std::int64_t i = 0; i < n; ++i) mean += products.at(i * n + i) / static_cast<double>(n);
  value = dot(r, r);
  if (mean == 0) return false;
  const Tensor start = flatten(theta);
  for (int attempt = 0; attempt < tries; ++attempt, damping = std::min(most, damping * 4)) {
    Tensor shifted = products;
    for (std::int64_t i = 0; i < n; ++i) shifted.mutable_data<double>()[i * n + i] += damping * mean;
    Tensor d;
    try {
      d = solve_cholesky(cholesky(shifted), right);
    } catch (const Error&) {  // not positive any more, by rounding
      continue;
    }
    if (wide) d = multiply(J, d, Trans::yes);
    const Tensor change = multiply(J, d);
    Tensor there = start;
    double *to = there.mutable_data<double>(), linear = 0, after = 0;
    for (std::int64_t i = 0; i < p; ++i) to[i] -= d.at(i);
    for (std::int64_t i = 0; i < m; ++i) linear += (r.at(i) - change.at(i)) * (r.at(i) - change.at(i));
    Tensors moved = unflatten(there, theta);
    ++evaluations;
    try {
      const Tensor s = residuals(moved);
      after = dot(s, s);
    } catch (const NonFiniteError&) {
      continue;
    }
    if (!(after < value)) continue;
    const double gain = (value - after) / std::max(value - linear, 1e-300);
    if (gain > .75) damping = std::max(least, damping / 3);
    if (gain < .25) damping = std::min(most, damping * 2);
    theta = std::move(moved);
    value = after;
    return true;
  }
  return false;
}

}  // namespace lowtide
