#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>
#include <lowtide/optim/ridge.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;
using boost::test_tools::tolerance;

namespace {

// What ridge minimizes.
double objective(const Tensor& z, const Tensor& y, const Tensor& w, const RidgeOptions& o) {
  const std::int64_t n = z.shape[0], k = z.shape[1], c = y.shape[1];
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < c; ++j) {
      double d = -y.at(i * c + j);
      for (std::int64_t l = 0; l < k; ++l) d += z.at(i * k + l) * w.at(l * c + j);
      sum += (o.weights ? o.weights.at(i) : 1) * d * d;
    }
  for (std::int64_t i = 0; i < w.size(); ++i) {
    const double d = w.at(i) - (o.prior ? o.prior.at(i) : 0);
    sum += o.lambda * d * d;
  }
  return sum;
}

double distance(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    if (const double d = std::abs(a.at(i) - b.at(i)); !(d <= most)) most = std::isnan(d) ? INFINITY : d;
  return most;
}

}  // namespace

// The gradient of the objective vanishes there, by differences that are exact for a quadratic.
BOOST_AUTO_TEST_CASE(ridge_minimizes_its_objective) {
  Stream stream(1, "ridge");
  const Tensor z = stream.normal({40, 5}, Dtype::f64), y = stream.normal({40, 2}, Dtype::f64);
  for (const double lambda : {0.0, .3, 50.0})
    for (const bool weights : {false, true})
      for (const bool prior : {false, true}) {
        RidgeOptions o{.lambda = lambda};
        if (weights) o.weights = stream.uniform({40}, Dtype::f64, 0, 3);
        if (prior) o.prior = stream.normal({5, 2}, Dtype::f64);
        const RidgeSolution s = ridge(z, y, o);
        BOOST_TEST(s.method == "cholesky");
        BOOST_TEST(s.residual < 1e-14);
        for (std::int64_t i = 0; i < 10; ++i) {
          Tensor up = s.head.clone(), down = s.head.clone();
          up.mutable_data<double>()[i] += 1;
          down.mutable_data<double>()[i] -= 1;
          const double slope = objective(z, y, up, o) - objective(z, y, down, o);
          BOOST_TEST(std::abs(slope) < 1e-11 * objective(z, y, up, o));
        }
      }
}

BOOST_AUTO_TEST_CASE(ridge_knows_its_limits) {
  Stream stream(2, "ridge");
  const Tensor z = stream.normal({30, 4}, Dtype::f64), y = stream.normal({30, 1}, Dtype::f64),
               prior = stream.normal({4, 1}, Dtype::f64);
  BOOST_TEST(distance(ridge(z, y, {.lambda = 0}).head, least_squares(z, y)) < 1e-13);
  BOOST_TEST(distance(ridge(z, y, {.lambda = 1e12, .prior = prior}).head, prior) < 1e-9);
  BOOST_TEST(distance(ridge(z, y, {.weights = zeros({30}, Dtype::f64), .prior = prior}).head, prior) < 1e-13);
  // Data that the prior fits already.
  const RidgeSolution same = ridge(z, multiply(z, prior), {.prior = prior});
  BOOST_TEST(distance(same.head, prior) < 1e-14);
}

// Where the normal equations lose their digits the other method keeps them.
BOOST_AUTO_TEST_CASE(ridge_sees_dependent_features) {
  Stream stream(3, "ridge");
  Tensor z = stream.normal({50, 3}, Dtype::f64);
  for (std::int64_t i = 0; i < 50; ++i)
    z.mutable_data<double>()[3 * i + 2] = z.at(3 * i) + 1e-7 * stream.normal(static_cast<std::uint64_t>(i));
  const Tensor truth = from({3, 1}, {1, 2, 3}), y = multiply(z, truth);
  const RidgeSolution s = ridge(z, y, {.lambda = 0});
  BOOST_TEST(s.method == "svd");
  BOOST_TEST(distance(s.head, truth) < 1e-7);
  // Exactly dependent, and fewer rows than features: the nearest to the prior.
  for (std::int64_t i = 0; i < 50; ++i) z.mutable_data<double>()[3 * i + 2] = z.at(3 * i);
  const Tensor prior = from({3, 1}, {0, 0, 1});
  const RidgeSolution nearest = ridge(z, multiply(z, truth), {.lambda = 0, .prior = prior});
  BOOST_TEST(nearest.method == "svd");
  BOOST_TEST(distance(nearest.head, from({3, 1}, {1.5, 2, 2.5})) < 1e-12);
  const RidgeSolution few = ridge(z.rows(0, 2), y.rows(0, 2), {.lambda = 1e-3});
  BOOST_TEST(few.residual < 1e-14);
}

// Orthogonal features of sizes that the normal equations cannot hold: each coefficient by itself.
BOOST_AUTO_TEST_CASE(ridge_counts_lambda_once_in_either_method) {
  const Tensor z = from({2, 2}, {1e7, 0, 0, 1}), y = from({2, 1}, {1e7, 3});
  const RidgeSolution s = ridge(z, y, {.lambda = .25, .prior = from({2, 1}, {0, 1})});
  BOOST_TEST(s.method == "svd");
  BOOST_TEST(s.head.at(0) == 1, tolerance(1e-13));
  BOOST_TEST(s.head.at(1) == (3 + .25) / 1.25, tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(ridge_has_the_same_bits_on_any_number_of_threads) {
  Stream stream(4, "ridge");
  const Tensor z = stream.normal({9000, 24}, Dtype::f32), y = stream.normal({9000, 3}, Dtype::f32);
  Tensor first;
  for (const int threads : {1, 2, 4}) {
    const ThreadLimit limit(threads);
    const RidgeSolution s = ridge(z, y, {});
    BOOST_TEST((s.head.dtype == Dtype::f32));
    if (threads == 1) first = s.head;
    BOOST_TEST(same_bits(s.head, first));
  }
  BOOST_TEST(distance(first, least_squares(z.cast(Dtype::f64), y.cast(Dtype::f64))) < 1e-6);
}

BOOST_AUTO_TEST_CASE(ridge_refuses_what_it_cannot_solve) {
  const Tensor z = ones({4, 2}, Dtype::f64), y = ones({4, 1}, Dtype::f64), bad = full({4, 2}, NAN, Dtype::f64);
  BOOST_CHECK_THROW(ridge(z, ones({3, 1}, Dtype::f64)), ShapeError);
  BOOST_CHECK_THROW(ridge(z, ones({4}, Dtype::f64)), ShapeError);
  BOOST_CHECK_THROW(ridge(z, ones({4, 1}, Dtype::f32)), DtypeError);
  BOOST_CHECK_THROW(ridge(bad, y), NonFiniteError);
  BOOST_CHECK_THROW(ridge(z, bad), NonFiniteError);
  BOOST_CHECK_THROW(ridge(z, y, {.lambda = -1}), Error);
  BOOST_CHECK_THROW(ridge(z, y, {.weights = ones({3}, Dtype::f64)}), ShapeError);
  BOOST_CHECK_THROW(ridge(z, y, {.weights = full({4}, -1, Dtype::f64)}), Error);
  BOOST_CHECK_THROW(ridge(z, y, {.prior = ones({2}, Dtype::f64)}), ShapeError);
}
