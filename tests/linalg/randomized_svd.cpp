#include <lowtide/linalg/randomized_svd.h>

#include "check.h"

namespace lowtide::test {

BOOST_AUTO_TEST_SUITE(randomized)

BOOST_AUTO_TEST_CASE(exact_on_low_rank) {
  for (Dtype dtype : both)
    for (const Shape& shape : {Shape{90, 40}, Shape{40, 90}, Shape{30, 30}}) {
      const std::vector<double> spectrum{9, 4, 1, 0.5};
      const Tensor a = with_singular_values(shape[0], shape[1], spectrum, dtype);
      Stream rng(1, "sketch");
      const Svd f = randomized_svd(a, 4, rng);
      BOOST_TEST(
          (f.u.shape == Shape{shape[0], 4} && f.s.shape == Shape{4} && f.vt.shape == Shape{4, shape[1]}));
      for (std::size_t i = 0; i < 4; ++i)
        BOOST_TEST(std::abs(f.s.at(static_cast<std::int64_t>(i)) - spectrum[i]) < 200 * eps(dtype));
      BOOST_TEST(gap(multiply(columns_times(f.u, to_vector(f.s)), f.vt), a) < 1000 * eps(dtype));
      BOOST_TEST(skewness(f.u) < 100 * eps(dtype));
      BOOST_TEST(skewness(transposed(f.vt)) < 100 * eps(dtype));
    }
}

// On a slowly falling spectrum the error is near the best one, and nearer with each power iteration.
BOOST_AUTO_TEST_CASE(near_the_best_error) {
  const std::vector<double> spectrum = geometric(60, 0.85);
  const Tensor a = with_singular_values(80, 60, spectrum, Dtype::f64);
  const std::int64_t rank = 10;
  double before = infinity;
  for (int power : {0, 1, 2, 4}) {
    Stream rng(1, "power");
    const Svd f = randomized_svd(a, rank, rng, {.oversample = 5, .power_iterations = power});
    const Tensor approximation = multiply(columns_times(f.u, to_vector(f.s)), f.vt);
    const Svd rest = svd(from(a.shape, [&] {
      std::vector<double> v = to_vector(a), w = to_vector(approximation);
      for (std::size_t i = 0; i < v.size(); ++i) v[i] -= w[i];
      return v;
    }()));
    const double ratio = rest.s.at(0) / spectrum[static_cast<std::size_t>(rank)];
    BOOST_TEST(ratio >= 1 - 1e-12);
    BOOST_TEST(ratio < before);
    if (power == 2) BOOST_TEST(ratio < 1.02);
    before = ratio;
  }
  BOOST_TEST(before < 1.0005);
}

// Without orthogonalization in between, many power iterations would leave one direction.
BOOST_AUTO_TEST_CASE(many_power_iterations_keep_small_values) {
  const std::vector<double> spectrum = geometric(10, 0.1);
  const Tensor a = with_singular_values(50, 50, spectrum, Dtype::f64);
  Stream rng(1, "many");
  const Svd f = randomized_svd(a, 10, rng, {.oversample = 0, .power_iterations = 20});
  for (std::size_t i = 0; i < 10; ++i)
    BOOST_TEST(std::abs(f.s.at(static_cast<std::int64_t>(i)) - spectrum[i]) < 1e-14);
}

BOOST_AUTO_TEST_CASE(edges_of_the_sketch) {
  Stream rng(1, "edges");
  const Tensor a = gaussian({7, 4}, Dtype::f64);
  const Svd full_rank = randomized_svd(a, 4, rng, {.oversample = 100});
  BOOST_TEST(gap(full_rank.s, svd(a).s) < 1e-13);
  BOOST_TEST((randomized_svd(a, 0, rng).u.shape == Shape{7, 0}));
  BOOST_TEST((randomized_svd(zeros({0, 4}, Dtype::f32), 0, rng).vt.shape == Shape{0, 4}));
  BOOST_TEST(norm(randomized_svd(zeros({7, 4}, Dtype::f64), 2, rng).s) == 0);
  for (int exponent : {-1030, 1000})
    BOOST_TEST(
        gap(rescaled("test", randomized_svd(rescaled("test", ones({7, 4}, Dtype::f64), exponent), 1, rng).s,
                     -exponent),
            full({1}, std::sqrt(28.0), Dtype::f64)) < 1e-12);
  BOOST_TEST(contains(thrown<ShapeError>([&] { randomized_svd(a, 5, rng); }), "rank 5"));
  BOOST_TEST(!thrown<ShapeError>([&] { randomized_svd(a, 2, rng, {.oversample = -1}); }).empty());
  BOOST_TEST(!thrown<NonFiniteError>([&] {
                randomized_svd(full({3, 3}, infinity, Dtype::f32), 2, rng);
              }).empty());
  // Products of denormal numbers have no digits to spare.
  Tensor whole = gaussian({30, 20}, Dtype::f64);
  for (double& x : whole.mutable_view<double>()) x = std::round(8 * x);
  Stream large(3, "ends"), small(3, "ends");
  BOOST_TEST(gap(randomized_svd(rescaled("test", whole, -1070), 3, small).u,
                 randomized_svd(whole, 3, large).u) < 1e-12);
  // One stream, one answer.
  Stream once(2, "same"), twice(2, "same");
  BOOST_TEST(same_bits(randomized_svd(a, 2, once).u, randomized_svd(a, 2, twice).u));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
