#include "check_model.h"

#include <lowtide/models/lrnr.h>
#include <lowtide/models/lrnr_cheb.h>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(lrnr_cheb_suite)

const LrnrCheb model{.in = 1, .out = 1, .width = 6, .depth = 3, .rank = 2, .terms = 6};

BOOST_AUTO_TEST_CASE(series_is_that_of_chebyshev) {
  const Tensor t = from({3, 1}, {-1, 0.37, 0.9}), values = chebyshev(Var(t), 20).value();
  BOOST_REQUIRE((values.shape == Shape({3, 20})));
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t k = 0; k < 20; ++k)
      BOOST_TEST(std::abs(values.at(20 * i + k) - std::cos(static_cast<double>(k) * std::acos(t.at(i)))) <=
                 1e-12);
  BOOST_TEST(chebyshev(Var(t), 1).shape()[1] == 1);
  BOOST_CHECK_THROW(chebyshev(Var(ones({3, 2}, Dtype::f64)), 4), ShapeError);
}

// The same layers as Lrnr, and coefficients that are the series, one number at a time.
BOOST_AUTO_TEST_CASE(is_a_lrnr_with_other_coefficients) {
  const Tensors theta = some_parameters(model);
  const Tensor x = Stream(1, "x").uniform({5, 1}, Dtype::f64, -1, 1),
               s = model.coefficients_at(vars(theta), Var(from({1, 1}, {0.3}))).value();
  for (std::int64_t i = 0; i < 12; ++i) {
    double expected = 0;
    for (std::int64_t k = 0; k < 6; ++k)
      expected += theta.back().at(12 * k + i) * std::cos(static_cast<double>(k) * std::acos(0.3));
    BOOST_TEST(std::abs(s.at(i) - expected) <= 1e-14);
  }
  const Lrnr twin{.in = 1, .out = 1, .width = 6, .depth = 3, .rank = 2};
  const Tensor u = model(vars(theta), Var(x), Var(s)).value(), v = twin(vars(theta), Var(x), Var(s)).value();
  BOOST_TEST(same_bits(u, v));
  BOOST_TEST(same_bits(evaluate(model, vars(theta), Var(x), Var(from({1, 1}, {0.3}))).value(), u));
}

BOOST_AUTO_TEST_CASE(passes_what_every_model_must) { check_model(model, 1, 1, "lrnr_cheb", true, 1); }

BOOST_AUTO_TEST_CASE(starts_near_1_and_scales) {
  LrnrCheb kinked{.width = 40, .depth = 3, .rank = 50};
  kinked.start = Start::kinks;
  Tensors theta = kinked.init(Stream(1, "lrnr"), Dtype::f64);
  const Tensor x = linspace(-1, 1, 50, Dtype::f64).reshaped({50, 1}), t = x.rows(10, 20);
  const Tensor s = kinked.coefficients_at_times(vars(theta), Var(t)).value();
  double first = 0, second = 0;
  for (std::int64_t i = 0; i < s.size(); ++i) {
    first += (s.at(i) - 1) / static_cast<double>(s.size());
    second += (s.at(i) - 1) * (s.at(i) - 1) / static_cast<double>(s.size());
  }
  BOOST_TEST(std::abs(first) < 0.1);
  BOOST_TEST((std::sqrt(second) > 0.05 && std::sqrt(second) < 0.5));
  scale_output(kinked, theta, x, t, 0.25);
  BOOST_TEST(output_rms(kinked.factors(), theta, x, s) == 0.25, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
