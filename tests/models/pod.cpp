#include <lowtide/linalg/random.h>
#include <lowtide/models/pod.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(pod_suite)

constexpr std::int64_t frames = 21, points = 80;

// sum_k size_k a_k(t) b_k(x) with sines and cosines that are orthonormal over whole periods.
double rank_3(std::int64_t k, std::int64_t j) {
  const double t = 2 * M_PI * static_cast<double>(k) / frames, x = 2 * M_PI * static_cast<double>(j) / points,
               unit = 2 / std::sqrt(static_cast<double>(frames * points));
  return unit * (5 * std::cos(t) * std::sin(x) + 2 * std::sin(t) * std::cos(3 * x) +
                 0.5 * std::cos(2 * t) * std::sin(2 * x));
}

Tensor filled(const Shape& shape, auto f) {
  Tensor a(shape, Dtype::f64);
  for (std::int64_t i = 0; i < shape[0]; ++i)
    for (std::int64_t j = 0; j < shape[1]; ++j) a.mutable_data<double>()[i * shape[1] + j] = f(i, j);
  return a;
}

double distance(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
  return a.size() == b.size() ? worst : std::numeric_limits<double>::infinity();
}

BOOST_AUTO_TEST_CASE(reproduces_a_field_of_rank_3_and_its_singular_values) {
  const Tensor u = filled({frames, points}, rank_3), t = linspace(0, 1, frames, Dtype::f64);
  for (const InTime in_time : {InTime::linear, InTime::cubic}) {
    const Pod pod = make_pod(u, t, 3, in_time);
    const double sizes[] = {5, 2, 0.5};
    for (int i = 0; i < 3; ++i) BOOST_TEST(std::abs(pod.singular_values.at(i) - sizes[i]) <= 1e-12);
    for (std::int64_t i = 3; i < frames; ++i) BOOST_TEST(pod.singular_values.at(i) <= 1e-13);
    for (std::int64_t k = 0; k < frames; ++k)
      BOOST_TEST(distance(pod.field(t.at(k)), u.rows(k, k + 1).reshaped({points, 1})) <= 1e-12);
    BOOST_TEST(pod.parameter_count() == 3 * (frames + points));
    BOOST_TEST(pod.relative_error(3) <= 1e-13);
    BOOST_TEST(std::abs(pod.relative_error(1) - std::sqrt(4.25 / 29.25)) <= 1e-13);
  }
}

// What one mode leaves is what the singular values say, in the weighted norm, and modes are orthonormal there.
BOOST_AUTO_TEST_CASE(weights_and_several_fields) {
  Stream numbers(1, "pod");
  const Tensor u = numbers.normal({9, 7, 2}, Dtype::f64), w = numbers.uniform({7}, Dtype::f64, 0.1, 3);
  const Tensor t = linspace(0, 1, 9, Dtype::f64);
  const Pod pod = make_pod(u, t, 4, InTime::linear, w);
  double error = 0, all = 0;
  for (std::int64_t k = 0; k < 9; ++k) {
    const Tensor y = pod.field(t.at(k));
    BOOST_REQUIRE((y.shape == Shape({7, 2})));
    for (std::int64_t j = 0; j < 14; ++j) {
      error += w.at(j / 2) * std::pow(y.at(j) - u.at(14 * k + j), 2);
      all += w.at(j / 2) * std::pow(u.at(14 * k + j), 2);
    }
  }
  BOOST_TEST(std::sqrt(error / all) == pod.relative_error(4), boost::test_tools::tolerance(1e-12));
  for (std::int64_t a = 0; a < 4; ++a)
    for (std::int64_t b = 0; b < 4; ++b) {
      double product = 0;
      for (std::int64_t j = 0; j < 14; ++j)
        product += w.at(j / 2) * pod.modes.at(14 * a + j) * pod.modes.at(14 * b + j);
      BOOST_TEST(std::abs(product - (a == b)) <= 1e-13);
    }
}

// Order of interpolation between unequal frames, up to the ends: 2 and 4. Cubics are met exactly.
BOOST_AUTO_TEST_CASE(interpolates_in_time) {
  const auto error = [](InTime in_time, std::int64_t n, auto f) {
    Tensor t = linspace(0, 1, n, Dtype::f64);
    for (double& x : t.mutable_view<double>()) x += 0.3 * x * (1 - x);
    const Tensor u = filled({n, 3}, [&](auto k, auto j) { return f(t.at(k)) * static_cast<double>(j + 1); });
    const Pod pod = make_pod(u, t, 1, in_time);
    double worst = 0;
    for (int i = 0; i <= 1000; ++i)
      worst = std::max(worst, std::abs(pod.field(i / 1000.0).at(2) - 3 * f(i / 1000.0)));
    return worst;
  };
  const auto wave = [](double t) { return std::sin(4 * t) + 2; };
  const auto order = [&](InTime in_time) {
    return std::log2(error(in_time, 21, wave) / error(in_time, 41, wave));
  };
  BOOST_TEST(std::abs(order(InTime::linear) - 2) < 0.1);
  BOOST_TEST(order(InTime::cubic) > 3.7);
  const auto cubic = [](double t) { return 1 + t * (2 - t * (3 - 5 * t)); };
  for (const int n : {4, 5, 12}) BOOST_TEST(error(InTime::cubic, n, cubic) <= 1e-11);
  BOOST_TEST(error(InTime::cubic, 3, [](double t) { return 1 + t * (2 - t); }) <= 1e-12);
  BOOST_TEST(error(InTime::cubic, 2, [](double t) { return 1 + t; }) <= 1e-13);
  BOOST_TEST(error(InTime::cubic, 1, [](double) { return 1.0; }) <= 1e-14);
}

BOOST_AUTO_TEST_CASE(interpolates_in_space_and_stays_at_the_ends) {
  const Tensor grid = from({4}, {0, 1, 3, 4}), t = from({2}, {0.0, 1.0});
  const Tensor u =
      filled({2, 4}, [&](auto k, auto j) { return (1 + static_cast<double>(k)) * (2 * grid.at(j) + 1); });
  const Pod pod = make_pod(u, t, 1);
  const Tensor y = pod.field(0.5, grid, from({6}, {0, 0.5, 2, 4, -1, 9}));
  const double expected[] = {1.5, 3, 7.5, 13.5, 1.5, 13.5};
  for (int i = 0; i < 6; ++i) BOOST_TEST(std::abs(y.at(i) - expected[i]) <= 1e-13);
  BOOST_TEST(std::abs(pod.field(7).at(0) - 2) <= 1e-13);
  BOOST_TEST(std::abs(pod.field(-7).at(0) - 1) <= 1e-13);
}

BOOST_AUTO_TEST_CASE(refuses_what_cannot_be) {
  const Tensor u = filled({frames, points}, rank_3), t = linspace(0, 1, frames, Dtype::f64);
  BOOST_CHECK_THROW(make_pod(u, t, 0), ShapeError);
  BOOST_CHECK_THROW(make_pod(u, t, frames + 1), ShapeError);
  BOOST_CHECK_THROW(make_pod(u, t.rows(0, 5), 2), ShapeError);
  BOOST_CHECK_THROW(make_pod(u, zeros({frames}, Dtype::f64), 2), Error);
  BOOST_CHECK_THROW(make_pod(u, t, 2, InTime::linear, ones({3}, Dtype::f64)), ShapeError);
  BOOST_CHECK_THROW(make_pod(u, t, 2, InTime::linear, zeros({points}, Dtype::f64)), Error);
  const Pod pod = make_pod(u, t, 2);
  BOOST_CHECK_THROW(pod.at(std::nan("")), Error);
  BOOST_CHECK_THROW(pod.field(0, t, t), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
