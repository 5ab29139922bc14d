#include <fmt/format.h>
#include <lowtide/linalg/krylov.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

void add(double a, const Tensor& x, Tensor& y) {
  blas::axpy(x.size(), a, x.data<double>(), y.mutable_data<double>());
}

void require_symmetric(const char* op, const LinOp& A) {
  if (A.rows != A.cols) fail<ShapeError>(op, fmt::format("an operator ({},{}) is not square", A.rows, A.cols));
}

}  // namespace

std::string_view name_of(PcgStop stop) {
  switch (stop) {
    case PcgStop::converged:
      return "converged";
    case PcgStop::max_iterations:
      return "iteration limit";
    case PcgStop::stagnated:
      return "stagnated";
    case PcgStop::negative_curvature:
      return "negative curvature";
    case PcgStop::breakdown:
      return "breakdown";
    case PcgStop::non_finite:
      return "non-finite";
  }
  return "";
}

PcgResult pcg(const LinOp& A, const Tensor& b, const PcgOptions& options) {
  require_symmetric("pcg", A);
  if (b.shape.rank() != 1 || b.shape[0] != A.rows)
    fail<ShapeError>(
        "pcg", fmt::format("right-hand side {} for an operator ({},{})", to_string(b.shape), A.rows, A.cols));
  if (b.dtype != A.dtype)
    fail<DtypeError>(
        "pcg", fmt::format("right-hand side of {} for an operator of {}", name_of(b.dtype), name_of(A.dtype)));
  require_finite("pcg", b);
  const LinOp wide = cast(A, Dtype::f64), inverse = cast(options.preconditioner, Dtype::f64);
  auto preconditioned = [&](const Tensor& r) { return inverse ? times(inverse, r) : r; };

  const Scaled right = scaled_to_one(b.cast(Dtype::f64));
  const double size = norm(right.value);
  PcgResult result;
  Tensor x = zeros(b.shape, Dtype::f64), r = right.value, p, z;
  double rz = 0;
  auto fresh = [&] {  // takes up x as if it were the start
    z = preconditioned(r);
    p = z;
    rz = dot(r, z);
  };
  auto true_residual = [&] {
    r = right.value.clone();
    add(-1, times(wide, x), r);
    return norm(r) / size;
  };
  auto stopped = [&](PcgStop stop) {
    result.stop = stop;
    result.converged = stop == PcgStop::converged;
    if (size > 0) result.residual = true_residual();
    result.x = rescaled("pcg", x, right.exponent).cast(b.dtype);
    return result;
  };
  if (size == 0) return stopped(PcgStop::converged);

  int short_steps = 0;
  double restarted_at = std::numeric_limits<double>::infinity();
  for (fresh();; ++result.iterations) {
    if (norm(r) <= options.tolerance * size) {
      const double residual = true_residual();
      if (residual <= options.tolerance) return stopped(PcgStop::converged);
      // The recursion has drifted. It starts anew as long as that halves the residual.
      if (!(residual <= restarted_at / 2)) return stopped(PcgStop::stagnated);
      restarted_at = residual;
      fresh();
    }
    if (result.iterations >= options.max_iterations) return stopped(PcgStop::max_iterations);
    if (!std::isfinite(rz)) return stopped(PcgStop::non_finite);
    if (rz <= 0) return stopped(PcgStop::breakdown);
    const Tensor Ap = times(wide, p);
    const double curvature = dot(p, Ap), step = rz / curvature;
    if (!std::isfinite(curvature) || !all_finite(Ap)) return stopped(PcgStop::non_finite);
    if (curvature <= 0) return stopped(PcgStop::negative_curvature);
    if (!std::isfinite(step * norm(p))) return stopped(PcgStop::non_finite);
    short_steps = step * norm(p) <= eps * norm(x) ? short_steps + 1 : 0;
    if (short_steps == 3) return stopped(PcgStop::stagnated);
    add(step, p, x);
    add(-step, Ap, r);
    z = preconditioned(r);
    const double next = dot(r, z), ratio = next / rz;
    rz = next;
    Tensor direction = z.clone();
    add(ratio, p, direction);
    p = direction;
  }
}

Ritz lanczos(const LinOp& A, std::int64_t k, Stream& rng) {
  require_symmetric("lanczos", A);
  const std::int64_t n = A.rows;
  if (k < 0 || k > n) fail<ShapeError>("lanczos", fmt::format("{} steps with an operator ({},{})", k, n, n));
  const LinOp wide = cast(A, Dtype::f64);
  Tensor basis = zeros({k, n}, Dtype::f64), T = zeros({k, k}, Dtype::f64);
  double largest = 0;  // entry of T so far, the measure of what is zero

  // w minus its part in the first j rows of the basis; twice is enough (Kahan, Parlett).
  auto orthogonalize = [&](Tensor& w, std::int64_t j) {
    const Tensor q = basis.rows(0, j);
    for (int pass = 0; pass < 2; ++pass) add(-1, multiply(q, multiply(q, w), Trans::yes), w);
  };
  auto random_direction = [&](std::int64_t j) {
    for (;;) {
      Tensor w = rng.normal({n}, Dtype::f64);
      const double before = norm(w);
      orthogonalize(w, j);
      // With j near n next to nothing may be left of an unlucky draw.
      if (const double after = norm(w); after > 1e-6 * before) {
        orthogonalize(w, j);
        return w;
      }
    }
  };

  Tensor w;
  double beta = 0;
  for (std::int64_t j = 0; j < k; ++j) {
    if (beta <= static_cast<double>(n) * eps * largest) beta = 0, w = random_direction(j);
    if (j > 0) T.mutable_data<double>()[j * k + j - 1] = beta;
    double* q = basis.mutable_data<double>() + j * n;
    std::copy_n(w.data<double>(), n, q);
    blas::scal(n, 1 / blas::nrm2(n, q), q);
    const Tensor v = basis.rows(j, j + 1).reshaped({n}).clone();
    w = times(wide, v);
    require_finite("lanczos", w);
    const double alpha = dot(v, w);
    T.mutable_data<double>()[j * k + j] = alpha;
    largest = std::max({largest, std::abs(alpha), norm(w)});
    orthogonalize(w, j + 1);
    beta = norm(w);
  }
  const Eigen e = eigh(T);
  Ritz ritz{e.values, multiply(basis, e.vectors, Trans::yes), Tensor({k}, Dtype::f64)};
  for (std::int64_t i = 0; i < k; ++i)
    ritz.residuals.mutable_data<double>()[i] = beta * std::abs(e.vectors.at((k - 1) * k + i));
  return {ritz.values.cast(A.dtype), ritz.vectors.cast(A.dtype), ritz.residuals.cast(A.dtype)};
}

}  // namespace lowtide
