#include <lowtide/linalg/krylov.h>
#include <lowtide/linalg/nystrom.h>

#include "check.h"

namespace lowtide::test {

BOOST_AUTO_TEST_SUITE(nystrom_approximation)

BOOST_AUTO_TEST_CASE(exact_on_low_rank) {
  for (Dtype dtype : both) {
    std::vector<double> d{8, 4, 2, 1};
    d.resize(50, 0.0);
    const Tensor a = with_eigenvalues(d, dtype);
    Stream rng(1, "nystrom");
    const Nystrom f = nystrom(matrix_op(a), 10, rng);
    BOOST_TEST((f.u.shape == Shape{50, 10} && f.values.shape == Shape{10} && f.u.dtype == dtype));
    BOOST_TEST(skewness(f.u) < 100 * eps(dtype));
    for (std::int64_t i = 0; i < 10; ++i)
      BOOST_TEST(std::abs(f.values.at(i) - d[static_cast<std::size_t>(i)]) < 200 * eps(dtype));
    BOOST_TEST(gap(times(approximation(f), eye(50, dtype)), a) < 400 * eps(dtype));
  }
}

// A - A_nys is positive semidefinite, and as small as theory says.
BOOST_AUTO_TEST_CASE(below_the_operator) {
  const Tensor a = with_eigenvalues(geometric(80, 0.8));
  const LinOp A = matrix_op(a);
  Stream rng(1, "below");
  const Nystrom f = nystrom(A, 25, rng);
  const Eigen rest = eigh(times(sum(A, scaled(approximation(f), -1)), eye(80, Dtype::f64)));
  const double error = rest.values.at(79);
  BOOST_TEST(rest.values.at(0) > -1e-13);
  BOOST_TEST(error > std::pow(0.8, 25) * (1 - 1e-6));  // the best of rank 25
  BOOST_TEST(error < 30 * std::pow(0.8, 25));
  const double estimate = nystrom_error(A, f, rng, 20);
  BOOST_TEST(estimate <= error * (1 + 1e-9));
  BOOST_TEST(estimate > 0.7 * error);
}

BOOST_AUTO_TEST_CASE(preconditioner_is_the_inverse_it_claims) {
  const Tensor a = with_eigenvalues(geometric(40, 0.7));
  Stream rng(1, "inverse");
  const Nystrom f = nystrom(matrix_op(a), 12, rng);
  const double mu = 1e-3, least = f.values.at(11);
  // P = U (values + mu) U^T / (least + mu) + I - U U^T
  std::vector<double> d = to_vector(f.values);
  for (double& v : d) v = (v + mu) / (least + mu) - 1;
  const Tensor p = times(shifted(matrix_op(multiply(columns_times(f.u, d), f.u, Trans::no, Trans::yes)), 1),
                         eye(40, Dtype::f64));
  const LinOp inverse = preconditioner(f, mu);
  BOOST_TEST(gap(times(inverse, p), eye(40, Dtype::f64)) < 1e-10);
  const Tensor x = gaussian({40}, Dtype::f64);
  BOOST_TEST(gap(times(inverse, multiply(p, x)), x) < 1e-10);
}

// Decaying spectrum: the bound on the condition number holds, and conjugate gradients need far fewer steps.
BOOST_AUTO_TEST_CASE(preconditioning_saves_iterations) {
  const std::int64_t n = 300;
  for (Dtype dtype : both) {
    // In f32 A x has a rounding error of 1e-7 |x|, with |x| up to |b| / mu.
    const double mu = dtype == Dtype::f32 ? 1e-3 : 1e-5;
    const Tensor a = with_eigenvalues(geometric(static_cast<std::size_t>(n), 0.9), dtype);
    const LinOp A = shifted(matrix_op(a), mu);
    const Tensor b = gaussian({n}, dtype);
    const PcgOptions options{.tolerance = dtype == Dtype::f32 ? 1e-3 : 1e-9, .max_iterations = 3000};
    const PcgResult plain = pcg(A, b, options);
    int before = plain.iterations;
    BOOST_TEST(plain.converged);
    for (std::int64_t rank : {30, 60, 120}) {
      Stream rng(1, "saves");
      const Nystrom f = nystrom(matrix_op(a), rank, rng);
      PcgOptions with = options;
      with.preconditioner = preconditioner(f, mu);
      const PcgResult r = pcg(A, b, with);
      BOOST_TEST_MESSAGE("rank " << rank << ": " << r.iterations << " iterations after " << before);
      BOOST_TEST(r.converged);
      BOOST_TEST(r.iterations < before);
      if (rank == 120) BOOST_TEST(r.iterations <= 15);
      before = r.iterations;
      if (dtype == Dtype::f32) continue;
      // kappa of P^-1/2 (A + mu) P^-1/2 is that of L^T P^-1 L with A + mu = L L^T
      const Tensor l = cholesky(times(A, eye(n, Dtype::f64)));
      const Eigen e = eigh(multiply(l, times(with.preconditioner, l), Trans::yes));
      const double error =
          eigh(times(sum(matrix_op(a), scaled(approximation(f), -1)), eye(n, Dtype::f64))).values.at(n - 1);
      BOOST_TEST(e.values.at(n - 1) / e.values.at(0) <= condition_estimate(f, mu, error) * (1 + 1e-8));
    }
    BOOST_TEST(before * 8 < plain.iterations);
  }
}

BOOST_AUTO_TEST_CASE(misuse) {
  Stream rng(1, "misuse");
  const Tensor a = with_eigenvalues({1, 2, 3, -4});
  BOOST_TEST(
      contains(thrown<SolverError>([&] { nystrom(matrix_op(a), 4, rng); }), "not positive semidefinite"));
  BOOST_TEST(!thrown<ShapeError>([&] { nystrom(matrix_op(a), 5, rng); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { nystrom(matrix_op(a), 0, rng); }).empty());
  BOOST_TEST(!thrown<NonFiniteError>([&] {
                nystrom(matrix_op(full({3, 3}, nan, Dtype::f64)), 2, rng);
              }).empty());
  const Nystrom none = nystrom(matrix_op(zeros({6, 6}, Dtype::f64)), 2, rng);
  BOOST_TEST(norm(none.values) == 0);
  BOOST_TEST(contains(thrown<SolverError>([&] { preconditioner(none, 0); }), "not invertible"));
  BOOST_TEST(gap(times(preconditioner(none, 1), ones({6}, Dtype::f64)), ones({6}, Dtype::f64)) < 1e-15);
  BOOST_TEST(nystrom_error(matrix_op(zeros({6, 6}, Dtype::f64)), none, rng) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
