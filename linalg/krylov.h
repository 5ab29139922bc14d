// Krylov methods for symmetric operators. Vectors and sums are in f64 whatever the operator's dtype.
#pragma once
#include <lowtide/linalg/linop.h>
#include <lowtide/linalg/random.h>

#include <string_view>

namespace lowtide {

enum class PcgStop {
  converged,
  max_iterations,
  stagnated,           // steps too short to change x, or a residual that is small only by recursion
  negative_curvature,  // p^T A p <= 0: the operator is not positive definite
  breakdown,           // r^T P^-1 r <= 0: the preconditioner is not
  non_finite           // a NaN or an Inf came from the operator or the preconditioner
};
std::string_view name_of(PcgStop stop);

struct PcgOptions {
  double tolerance = 1e-8;  // on |b - A x| / |b|
  int max_iterations = 1000;
  LinOp preconditioner = {};  // P^-1; none if empty
};

struct PcgResult {
  Tensor x;  // the last that was finite
  int iterations = 0;
  double residual = 0;  // |b - A x| / |b|, computed from x and not by recursion
  bool converged = false;
  PcgStop stop = PcgStop::max_iterations;
};

// A x = b for A symmetric positive definite, from x = 0: preconditioned conjugate gradients
// (Hestenes and Stiefel 1952; Saad, Iterative methods, algorithm 9.1).
PcgResult pcg(const LinOp& A, const Tensor& b, const PcgOptions& options = {});

// Ritz values (ascending), vectors (columns) and residuals |A v - value v|.
struct Ritz {
  Tensor values, vectors, residuals;
};

// k steps of the method of Lanczos for a symmetric operator, with full reorthogonalization: k pairs, of
// which those at the ends of the spectrum are good first. Where the Krylov space closes early (it is then
// invariant), a new random direction goes on, so that repeated eigenvalues are found as often as they are.
Ritz lanczos(const LinOp& A, std::int64_t k, Stream& rng);

}  // namespace lowtide
