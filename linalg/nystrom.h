// Randomized Nystrom approximation of a symmetric positive semidefinite operator, and the preconditioner
// that it makes: Frangella, Tropp and Udell, Randomized Nystrom preconditioning, 2023, algorithm 2.1 and
// section 5; as used by Finzi et al., A stable and scalable method for solving initial value PDEs with
// neural networks, 2023.
#pragma once
#include <lowtide/linalg/linop.h>
#include <lowtide/linalg/random.h>

namespace lowtide {

// A ~ U diag(values) U^T with orthonormal U (n,rank) and values descending.
struct Nystrom {
  Tensor u, values;
};
// Throws SolverError if A is not positive semidefinite as far as the sketch can see.
Nystrom nystrom(const LinOp& A, std::int64_t rank, Stream& rng);

LinOp approximation(const Nystrom& f);
// P^-1 for A + mu I, mu >= 0: v + U (((least + mu) / (values + mu) - 1) U^T v), least the smallest value.
LinOp preconditioner(const Nystrom& f, double mu);

// Estimate, from below, of the largest eigenvalue of A - U diag(values) U^T (a semidefinite operator) by
// the power method.
double nystrom_error(const LinOp& A, const Nystrom& f, Stream& rng, int iterations = 10);
// Bound on the condition number of P^-1/2 (A + mu I) P^-1/2 for that error (their proposition 5.3).
double condition_estimate(const Nystrom& f, double mu, double error);

}  // namespace lowtide
