#include <lowtide/linalg/krylov.h>

#include <algorithm>

#include "check.h"

namespace lowtide {
static std::ostream& operator<<(std::ostream& out, PcgStop stop) { return out << name_of(stop); }
}  // namespace lowtide

namespace lowtide::test {
namespace {

double relative_residual(const Tensor& a, const Tensor& x, const Tensor& b) {
  return gap(multiply(a.cast(Dtype::f64), x.cast(Dtype::f64)), b.cast(Dtype::f64)) / norm(b);
}

LinOp diagonal_op(const std::vector<double>& d) {
  const auto n = static_cast<std::int64_t>(d.size());
  return matrix_op(columns_times(eye(n, Dtype::f64), d));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(krylov)

BOOST_AUTO_TEST_CASE(pcg_solves) {
  for (Dtype dtype : both) {
    const Tensor a = with_eigenvalues(geometric(40, 0.9), dtype), b = gaussian({40}, dtype);
    const double tolerance = dtype == Dtype::f32 ? 1e-5 : 1e-12;
    const PcgResult r = pcg(matrix_op(a), b, {.tolerance = tolerance});
    BOOST_TEST(r.converged);
    BOOST_TEST(name_of(r.stop) == "converged");
    BOOST_TEST((r.x.dtype == dtype));
    BOOST_TEST(r.residual <= tolerance);
    BOOST_TEST(relative_residual(a, r.x, b) <= tolerance + 20 * eps(dtype) * 100);
  }
}

BOOST_AUTO_TEST_CASE(pcg_needs_one_step_a_distinct_eigenvalue) {
  std::vector<double> d(50, 1.0);
  std::fill(d.begin() + 20, d.begin() + 40, 3.0);
  std::fill(d.begin() + 40, d.end(), 10.0);
  const Tensor a = with_eigenvalues(d), b = gaussian({50}, Dtype::f64);
  BOOST_TEST(pcg(matrix_op(a), b, {.tolerance = 1e-12}).iterations == 3);
  BOOST_TEST(pcg(matrix_op(a), b, {.tolerance = 1e-12, .max_iterations = 2}).stop == PcgStop::max_iterations);
  BOOST_TEST(pcg(matrix_op(a), b, {.max_iterations = 0}).residual == 1);
  // The exact inverse as preconditioner: one step.
  std::vector<double> inverse = d;
  for (double& v : inverse) v = 1 / v;
  const PcgResult r =
      pcg(matrix_op(a), b, {.tolerance = 1e-12, .preconditioner = matrix_op(with_eigenvalues(inverse))});
  BOOST_TEST(r.converged);
  BOOST_TEST(r.iterations == 1);
}

// The bound 2 ((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^k on the error in the norm of A.
BOOST_AUTO_TEST_CASE(pcg_converges_at_its_rate) {
  std::vector<double> d(200);
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = 1 + 99 * static_cast<double>(i) / 199;
  const Tensor a = with_eigenvalues(d), exact = gaussian({200}, Dtype::f64), b = multiply(a, exact);
  auto energy = [&](const Tensor& x) {
    const Tensor e = times(sum(identity_op(200, Dtype::f64), scaled(identity_op(200, Dtype::f64), 0)), x);
    Tensor difference = e.clone();
    for (std::int64_t i = 0; i < 200; ++i) difference.mutable_data<double>()[i] -= exact.at(i);
    return std::sqrt(dot(difference, multiply(a, difference)));
  };
  const double start = energy(zeros({200}, Dtype::f64));
  for (int k : {5, 10, 20, 40}) {
    const PcgResult r = pcg(matrix_op(a), b, {.tolerance = 0, .max_iterations = k});
    BOOST_TEST(r.iterations == k);
    BOOST_TEST(energy(r.x) <= 2 * std::pow(9.0 / 11, k) * start);
  }
}

BOOST_AUTO_TEST_CASE(pcg_says_why_it_stops) {
  const Tensor b = ones({3}, Dtype::f64);
  BOOST_TEST(pcg(diagonal_op({1, 2, -9}), b).stop == PcgStop::negative_curvature);
  BOOST_TEST(pcg(diagonal_op({0, 0, 0}), b).stop == PcgStop::negative_curvature);
  BOOST_TEST(pcg(diagonal_op({1, 2, 3}), b, {.preconditioner = diagonal_op({1, 1, -5})}).stop ==
             PcgStop::breakdown);
  const LinOp poisoned = symmetric_op(3, Dtype::f64, [calls = 0](const Tensor& x) mutable {
    return ++calls == 2 ? full({3}, nan, Dtype::f64) : times(diagonal_op({1, 2, 3}), x);
  });
  const PcgResult r = pcg(poisoned, b);
  BOOST_TEST(r.stop == PcgStop::non_finite);
  BOOST_TEST(r.iterations == 1);
  BOOST_TEST(all_finite(r.x));
  BOOST_TEST(pcg(diagonal_op({1, 2, 3}), b, {.preconditioner = diagonal_op({nan, 1, 1})}).stop ==
             PcgStop::non_finite);
  // A tolerance below rounding.
  const Tensor a = with_eigenvalues(geometric(30, 0.5));
  const PcgResult exact =
      pcg(matrix_op(a), gaussian({30}, Dtype::f64), {.tolerance = 1e-300, .max_iterations = 100000});
  BOOST_TEST(exact.stop == PcgStop::stagnated);
  BOOST_TEST(!exact.converged);
  // A consistent system with a null space is solved, an inconsistent one is not.
  BOOST_TEST(pcg(diagonal_op({1, 2, 0}), from({3}, {1, 1, 0})).converged);
  BOOST_TEST(!pcg(diagonal_op({1, 2, 0}), b).converged);
}

// An operator that rounds to f32 cannot have a residual of 1e-12, whatever the recursion believes.
BOOST_AUTO_TEST_CASE(pcg_reports_the_true_residual) {
  const Tensor a = with_eigenvalues(geometric(60, 0.8));
  const LinOp rough = cast(cast(matrix_op(a), Dtype::f32), Dtype::f64);
  const LinOp coarse = cast(matrix_op(a.cast(Dtype::f32)), Dtype::f64);
  for (const LinOp& A : {rough, coarse}) {
    const Tensor b = gaussian({60}, Dtype::f64);
    const PcgResult r = pcg(A, b, {.tolerance = 1e-12, .max_iterations = 5000});
    Tensor difference = times(A, r.x);
    BOOST_TEST(std::abs(r.residual - gap(difference, b) / norm(b)) <= 1e-10);
    BOOST_TEST((r.converged == (r.residual <= 1e-12)));
    BOOST_TEST(!r.converged);
  }
}

BOOST_AUTO_TEST_CASE(pcg_at_the_ends_of_the_range) {
  const Tensor a = with_eigenvalues(geometric(10, 0.7));
  for (int exponent : {-1000, 900}) {
    const Tensor b = gaussian({10}, Dtype::f64);
    const PcgResult r = pcg(matrix_op(a), rescaled("test", b, exponent), {.tolerance = 1e-12});
    BOOST_TEST(r.converged);
    BOOST_TEST(relative_residual(a, rescaled("test", r.x, -exponent), b) < 1e-11);
  }
  const PcgResult none = pcg(matrix_op(a), zeros({10}, Dtype::f64));
  BOOST_TEST(none.converged);
  BOOST_TEST(none.iterations == 0);
  BOOST_TEST(norm(none.x) == 0);
  BOOST_TEST(contains(thrown<NonFiniteError>([&] { pcg(matrix_op(a), full({10}, infinity, Dtype::f64)); }),
                      "[pcg] element 0"));
  BOOST_TEST(!thrown<ShapeError>([&] { pcg(matrix_op(a), ones({9}, Dtype::f64)); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] {
                pcg(matrix_op(ones({3, 2}, Dtype::f64)), ones({3}, Dtype::f64));
              }).empty());
  BOOST_TEST(contains(thrown<DtypeError>([&] { pcg(matrix_op(a), ones({10}, Dtype::f32)); }),
                      "f32 for an operator of f64"));
}

BOOST_AUTO_TEST_CASE(lanczos_finds_the_ends) {
  for (Dtype dtype : both) {
    std::vector<double> d(120);
    for (std::size_t i = 0; i < d.size(); ++i) d[i] = -1 + 2 * static_cast<double>(i) / 119;
    d.front() = -4, d.back() = 7;
    const Tensor a = with_eigenvalues(d, dtype);
    Stream rng(1, "lanczos");
    const Ritz ritz = lanczos(matrix_op(a), 30, rng);
    BOOST_TEST((ritz.values.shape == Shape{30} && ritz.vectors.shape == Shape{120, 30}));
    BOOST_TEST(std::abs(ritz.values.at(0) + 4) < 100 * eps(dtype));
    BOOST_TEST(std::abs(ritz.values.at(29) - 7) < 100 * eps(dtype));
    BOOST_TEST(skewness(ritz.vectors) < 100 * eps(dtype));
    const Tensor image = multiply(a, ritz.vectors),
                 multiple = columns_times(ritz.vectors, to_vector(ritz.values));
    for (std::int64_t i = 0; i < 30; ++i) {
      double residual = 0;
      for (std::int64_t j = 0; j < 120; ++j)
        residual += std::pow(image.at(j * 30 + i) - multiple.at(j * 30 + i), 2);
      BOOST_TEST(std::abs(std::sqrt(residual) - ritz.residuals.at(i)) < 100 * eps(dtype));
      if (i > 0) BOOST_TEST(ritz.values.at(i) >= ritz.values.at(i - 1));
    }
  }
}

BOOST_AUTO_TEST_CASE(lanczos_goes_on_after_an_invariant_subspace) {
  Stream rng(1, "invariant");
  const std::vector<double> spectra[] = {std::vector<double>(9, 2.5),
                                         std::vector<double>(9, 0.0),
                                         {1, 1, 1, 1, 5, 5, 5, 9, 9},
                                         geometric(9, 1e-3)};
  for (std::vector<double> d : spectra) {
    const Ritz ritz = lanczos(matrix_op(with_eigenvalues(d)), 9, rng);
    std::sort(d.begin(), d.end());
    BOOST_TEST(skewness(ritz.vectors) < 1e-13);
    for (std::int64_t i = 0; i < 9; ++i) {
      BOOST_TEST(std::abs(ritz.values.at(i) - d[static_cast<std::size_t>(i)]) < 1e-13);
      BOOST_TEST(ritz.residuals.at(i) < 1e-13);
    }
  }
  // Exact arithmetic on the way: the identity closes the space after each vector.
  const Ritz identity = lanczos(identity_op(6, Dtype::f64), 4, rng);
  BOOST_TEST(gap(identity.values, ones({4}, Dtype::f64)) < 1e-14);
  BOOST_TEST((lanczos(identity_op(6, Dtype::f64), 0, rng).vectors.shape == Shape{6, 0}));
  BOOST_TEST(!thrown<ShapeError>([&] { lanczos(identity_op(6, Dtype::f64), 7, rng); }).empty());
  BOOST_TEST(!thrown<NonFiniteError>([&] { lanczos(diagonal_op({1, nan, 2}), 2, rng); }).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
