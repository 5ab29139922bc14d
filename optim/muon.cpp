#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/muon.h>
#include <lowtide/optim/optimizer.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

bool wide(const Tensor& x) { return x.shape[0] <= x.shape[1]; }

Tensor small_gram(const Tensor& x) {
  return wide(x) ? multiply(x, x, Trans::no, Trans::yes) : multiply(x, x, Trans::yes, Trans::no);
}

// x / |x|; false if x = 0.
bool normalize(Tensor& x) {
  const Scaled scaled = scaled_to_one(x);  // so that 1/|x| is in range
  x = scaled.value;
  const double size = norm(x);
  if (size == 0) return false;
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    blas::scal(x.size(), static_cast<T>(1 / size), x.mutable_data<T>());
  });
  return true;
}

}  // namespace

// A <- P A P and Q <- P Q with P = a + b A + c A^2. Everything commutes. In f32 roundoff may leave eigenvalues
// of A at -1e-7, which grow to -1e-3 at most in four iterations: P does not feel that.
Tensor NewtonSchulz::factor(const Tensor& gram) const {
  require_square("newton_schulz", gram);
  const std::int64_t r = gram.shape[0];
  Tensor a = gram, q = eye(r, gram.dtype);
  for (int i = 0; i < iterations; ++i) {
    Tensor p = multiply(a, a);  // (r,r) x (r,r) -> (r,r), as all products here
    dispatch(p.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T c0 = static_cast<T>(coefficients[0]), c1 = static_cast<T>(coefficients[1]),
              c2 = static_cast<T>(coefficients[2]);
      T* pk = p.mutable_data<T>();
      const T* ak = a.data<T>();
      for (std::int64_t k = 0; k < r * r; ++k) pk[k] = c2 * pk[k] + c1 * ak[k];
      for (std::int64_t k = 0; k < r; ++k) pk[k * (r + 1)] += c0;
    });
    q = i == 0 ? p : multiply(p, q);
    if (i + 1 < iterations) a = multiply(multiply(p, a), p);
  }
  return q;
}

Tensor NewtonSchulz::operator()(const Tensor& x) const {
  require_matrix("newton_schulz", x);
  Tensor unit = x;
  if (!normalize(unit)) return zeros(x.shape, x.dtype);
  const Tensor q = factor(small_gram(unit));
  return wide(x) ? multiply(q, unit) : multiply(unit, q);
}

void Muon::step(Tensors& theta, const Tensors& gradient) {
  require_gradient("muon", theta, gradient);
  for (std::size_t k = 0; k < theta.size(); ++k)
    if (theta[k].shape.rank() != 2)
      fail<ShapeError>("muon", fmt::format("parameter {} is {}, not a matrix", k, to_string(theta[k].shape)));
  prepare_state("muon", m, theta);
  parallel_for(static_cast<std::int64_t>(theta.size()), [&](std::int64_t index) {
    const auto k = static_cast<std::size_t>(index);
    dispatch(theta[k].dtype, [&](auto zero) {
      using T = decltype(zero);
      const std::int64_t rows = theta[k].shape[0], columns = theta[k].shape[1];
      const T mu = static_cast<T>(momentum), rest = static_cast<T>(1 - momentum);
      Tensor u(theta[k].shape, theta[k].dtype);
      T *mk = m[k].mutable_data<T>(), *uk = u.mutable_data<T>();
      const T* g = gradient[k].data<T>();
      for (std::int64_t i = 0; i < u.size(); ++i) {
        mk[i] = mu * mk[i] + rest * g[i];
        uk[i] = rest * g[i] + mu * mk[i];
      }
      const T keep = static_cast<T>(1 - lr * weight_decay);
      if (!normalize(u)) {
        blas::scal(u.size(), keep, theta[k].mutable_data<T>());
        return;
      }
      const Tensor q = polynomial.factor(small_gram(u));
      const auto rate = static_cast<T>(-lr * std::sqrt(static_cast<double>(std::max(rows, columns))));
      T* p = theta[k].mutable_data<T>();
      if (wide(u))  // (r,r) x (r,m) -> (r,m)
        blas::gemm<T>(Trans::no, Trans::no, rows, columns, rows, rate, q.data<T>(), rows, u.data<T>(), columns,
                      keep, p, columns);
      else  // (m,r) x (r,r) -> (m,r)
        blas::gemm<T>(Trans::no, Trans::no, rows, columns, columns, rate, u.data<T>(), columns, q.data<T>(),
                      columns, keep, p, columns);
    });
  });
}

}  // namespace lowtide
