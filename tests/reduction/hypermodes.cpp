#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/hypermodes.h>

#include "support.h"

using namespace support;

BOOST_AUTO_TEST_SUITE(hypermodes_suite)

BOOST_AUTO_TEST_CASE(they_are_the_singular_value_decomposition) {
  const Example net = example(small);
  const Tensor t = linspace(-1, 1, 31, Dtype::f64), s = net.coefficients(t);
  const Hypermodes modes = hypermodes(t, s);
  Tensor scaled = modes.temporal.clone();
  const std::int64_t k = modes.singular_values.size();
  for (std::int64_t i = 0; i < scaled.size(); ++i)
    scaled.mutable_data<double>()[i] *= modes.singular_values.at(i % k);
  BOOST_TEST(difference(from_coordinates(modes.modes, scaled), s) <= 1e-13);
  BOOST_TEST(difference(coordinates(modes.modes, s), scaled) <= 1e-13);  // c_j(t_i) = sigma_j psi_j(t_i)
  // A linear head: no more dimensions than its inputs and the constant.
  BOOST_TEST(modes.significant(1e-13) <= 9);
  BOOST_TEST(modes.significant(1.0) == 1);
  BOOST_CHECK_THROW(hypermodes(t.rows(0, 1), s.rows(0, 1)), ShapeError);
  BOOST_CHECK_THROW(modes.first(k + 1), ShapeError);
}

BOOST_AUTO_TEST_CASE(projection_is_the_best_there_is) {
  const Example net = example(small);
  const Tensor t = linspace(-1, 1, 31, Dtype::f64), s = net.coefficients(t);
  const Hypermodes modes = hypermodes(t, s);
  const Tensor three = modes.first(3), p = from_coordinates(three, coordinates(three, s));
  double square = 0, tail = 0;
  for (std::int64_t i = 0; i < s.size(); ++i) square += std::pow(s.at(i) - p.at(i), 2);
  for (std::int64_t j = 3; j < modes.singular_values.size(); ++j)
    tail += std::pow(modes.singular_values.at(j), 2);
  BOOST_TEST(std::abs(square - tail) <= 1e-10 * tail);
}

// Two polynomials and one function that is none.
Tensor curves(const Tensor& t) {
  Tensor out({t.size(), 3}, Dtype::f64);
  for (std::int64_t i = 0; i < t.size(); ++i) {
    const double x = t.at(i);
    double* row = out.mutable_data<double>() + 3 * i;
    row[0] = 2 - x;
    row[1] = std::pow(x, 5) - x * x;
    row[2] = std::exp(x);
  }
  return out;
}

BOOST_AUTO_TEST_CASE(series_interpolate_and_know_their_degrees) {
  const Series series = series_of(curves, -1, 1, 24);
  const Tensor t = random({50}, 6);
  BOOST_TEST(difference(series.at(t), curves(t)) <= 1e-14 * 4);
  const auto degree = degrees(series, 1e-10);
  BOOST_TEST(degree[0] == 1);
  BOOST_TEST(degree[1] == 5);
  BOOST_TEST(degree[2] == 10);  // terms of exp: 2 I_k(1), 2.5e-11 of e for k = 11, 5.5e-10 / 2.7 for k = 10
  Series small{series.terms.clone()};  // relative to each column, whatever its size
  for (double& term : small.terms.mutable_view<double>()) term *= 1e-8;
  BOOST_TEST(degrees(small, 1e-10) == degree, boost::test_tools::per_element());
  const Tensor slope = series.derivative_at(t);
  for (std::int64_t i = 0; i < t.size(); ++i) {
    BOOST_TEST(std::abs(slope.at(3 * i) + 1) <= 1e-12);
    BOOST_TEST(std::abs(slope.at(3 * i + 1) - (5 * std::pow(t.at(i), 4) - 2 * t.at(i))) <= 1e-11);
    BOOST_TEST(std::abs(slope.at(3 * i + 2) - std::exp(t.at(i))) <= 1e-11);
  }
}

BOOST_AUTO_TEST_CASE(series_on_a_part_of_time) {
  const Series series = series_of(curves, .25, .5, 12);
  const Tensor tau = random({20}, 7);
  Tensor t = tau.clone();
  for (double& x : t.mutable_view<double>()) x = .25 + (x + 1) / 2 * .25;
  BOOST_TEST(difference(series.at(tau), curves(t)) <= 1e-13);
}

// 5.3 against the network, all modes and few.
BOOST_AUTO_TEST_CASE(the_low_rank_tensor_is_the_network) {
  for (const Lrnr& model : {small, plane}) {
    const Example net = example(model);
    const Tensor t = linspace(-1, 1, 31, Dtype::f64);
    const Hypermodes modes = hypermodes(t, net.coefficients(t));
    const Tensor x = random({9, model.in}, 8);
    for (const std::int64_t r : {2, 5}) {
      const Tensor phi = modes.first(r), c = coordinates(phi, net.coefficients(from({1}, {.3})));
      const Tensor tensor = values(hypermode_tensor(net.weights, phi), x, c.reshaped({r})),
                   truth = values(net.weights, x, from_coordinates(phi, c));
      BOOST_TEST(difference(tensor, truth) <= 1e-12 * max_abs(truth));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_step_along_a_mode) {
  const Tensor modes = random({7, 3}, 9), s = random({2, 7}, 10), there = moved(s, modes, 1, .5);
  for (std::int64_t i = 0; i < 14; ++i)
    BOOST_TEST(std::abs(there.at(i) - s.at(i) - .5 * modes.at(i % 7 * 3 + 1)) <= 1e-15);
  BOOST_CHECK_THROW(moved(s, modes, 3, .5), ShapeError);
  BOOST_CHECK_THROW(moved(s, modes.rows(0, 6), 1, .5), ShapeError);
  BOOST_CHECK_THROW(hypermode_tensor(example(small).weights, modes), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
