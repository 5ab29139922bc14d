#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/truncation.h>

#include "support.h"

using namespace support;

BOOST_AUTO_TEST_SUITE(weights_suite)

BOOST_AUTO_TEST_CASE(plain_matrices_are_the_network) {
  for (const Activation activation : {Activation::tanh, Activation::sin, Activation::relu, Activation::silu}) {
    Lrnr model = plane;
    model.activation = activation;
    const Example net = example(model);
    const Tensor x = random({7, 2}, 1), s = net.coefficients(random({1}, 2));
    const Vars theta(net.theta.begin(), net.theta.end());
    const Tensor truth = net.model(theta, Var(x), Var(s.reshaped({s.size()}))).value();
    BOOST_TEST(difference(values(net.weights, x, s), truth) <= 1e-14 * max_abs(truth));
  }
}

// Each row has coefficients of its own, or one of the two is shared.
BOOST_AUTO_TEST_CASE(rows_belong_together) {
  const Example net = example(plane);
  const Tensor x = random({4, 2}, 1), s = net.coefficients(random({4}, 2));
  const Tensor all = values(net.weights, x, s), one_x = values(net.weights, x.rows(1, 2), s),
               one_s = values(net.weights, x, s.rows(2, 3));
  for (std::int64_t i = 0; i < 4; ++i) {
    BOOST_TEST(difference(all.rows(i, i + 1), values(net.weights, x.rows(i, i + 1), s.rows(i, i + 1))) <=
               1e-14);
    BOOST_TEST(difference(one_x.rows(i, i + 1), values(net.weights, x.rows(1, 2), s.rows(i, i + 1))) <= 1e-14);
    BOOST_TEST(difference(one_s.rows(i, i + 1), values(net.weights, x.rows(i, i + 1), s.rows(2, 3))) <= 1e-14);
  }
  BOOST_CHECK_THROW(values(net.weights, random({4, 1}, 1), s), ShapeError);
  BOOST_CHECK_THROW(values(net.weights, x, s.rows(0, 3)), ShapeError);
}

BOOST_AUTO_TEST_CASE(slopes_are_not_exceeded) {
  for (const Activation activation : {Activation::tanh, Activation::sin, Activation::relu, Activation::silu})
    for (double y = -4; y < 4; y += .37)
      for (const double off : {0., .1, 1.}) {
        const double bound = largest_slope(activation, y, off);
        for (double z = y - off; z <= y + off; z += .05) {
          const Tensor ends = activated(activation, from({2}, {z, z + 1e-6}));
          BOOST_TEST((ends.at(1) - ends.at(0)) / 1e-6 <= bound + 1e-5);
        }
      }
  BOOST_TEST(largest_slope(Activation::tanh, 2, .5) < .2);  // and are near what they bound
}

BOOST_AUTO_TEST_CASE(the_largest_difference_of_rows) {
  const Tensor a = from({2, 2}, {1, 2, 3, 4}), b = from({2, 2}, {1, 1, 0, 0});
  BOOST_TEST(largest_row_difference(a, b) == 5);
  BOOST_TEST(largest_row_difference(a, a) == 0);
  Tensor bad = a.clone();
  bad.mutable_data<double>()[1] = NAN;
  BOOST_TEST(std::isnan(largest_row_difference(bad, b)));  // not what the other rows say
  BOOST_CHECK_THROW(largest_row_difference(a, b.rows(0, 1)), ShapeError);
}

// Coefficients made by hand: what stays follows from the rule.
BOOST_AUTO_TEST_CASE(truncation_keeps_what_is_large_at_some_time) {
  Lrnr model = small;
  model.depth = 2;
  model.rank = 3;
  const Example net = example(model);
  // Layer 1: weights, biases; layer 2: weights, biases.
  const Tensor s = from({2, 12}, {1, 0, -2, 1e-4, 1e-3, 0, 9e-5, 1.1e-4, 0, 1e-4, 0, 1e-9,  //
                                  0, 0, 0,  0,    0,    0, 0,    0,      0, 0,    0, 0});
  const Truncation global = truncation(net.weights, s);  // 2 is the largest: 1e-4 is the least that stays
  using Ranks = std::vector<std::int64_t>;
  BOOST_TEST(global.weight_ranks() == (Ranks{2, 1}), boost::test_tools::per_element());
  BOOST_TEST(global.bias_ranks() == (Ranks{2, 1}), boost::test_tools::per_element());
  BOOST_TEST(global.weights[1] == (Ranks{1}), boost::test_tools::per_element());
  const Truncation block = truncation(net.weights, s, paper_threshold, Relative::block);
  BOOST_TEST(block.weight_ranks() == (Ranks{2, 2}), boost::test_tools::per_element());
  BOOST_TEST(block.bias_ranks() == (Ranks{2, 1}), boost::test_tools::per_element());
  Tensor bad = s.clone();
  bad.mutable_data<double>()[3] = NAN;
  BOOST_CHECK_THROW(truncation(net.weights, bad), NonFiniteError);
  for (const double threshold : {-1., double{NAN}})
    BOOST_CHECK_THROW(truncation(net.weights, s, threshold), Error);
  BOOST_CHECK_THROW(truncation(net.weights, s.reshaped({4, 6})), ShapeError);
}

BOOST_AUTO_TEST_CASE(what_is_kept_is_the_network_without_the_rest) {
  const Example net = example(plane);
  Tensor s = net.coefficients(random({6}, 3));
  const std::int64_t n = s.shape[1];
  for (std::int64_t i = 0; i < s.size(); ++i)
    if (i % n % 3 == 1) s.mutable_data<double>()[i] = 0;  // never used: the network does not change
  const Truncation kept = truncation(net.weights, s);
  const LowRankWeights fewer = truncated(net.weights, kept);
  const Tensor some = truncated(net.weights, s, kept), x = random({6, 2}, 4);
  BOOST_TEST(some.shape[1] == n - n / 3);
  BOOST_TEST(fewer.coefficients() == some.shape[1]);
  BOOST_TEST(difference(values(fewer, x, some), values(net.weights, x, s)) <= 1e-13);
}

// Scaling the factors of a term and its coefficient against each other changes "global", not "terms".
BOOST_AUTO_TEST_CASE(terms_do_not_depend_on_the_scale_of_factors) {
  for (Tensor LowRankLayer::*factor : {&LowRankLayer::u, &LowRankLayer::v, &LowRankLayer::b}) {
    Example net = example(small);
    Tensor s = net.coefficients(random({6}, 3));
    const std::vector<double> thresholds{1e-3, .01, .03, .1, .2, .3, .5, .8};
    std::vector<Truncation> before;
    for (const double threshold : thresholds)
      before.push_back(truncation(net.weights, s, threshold, Relative::terms));
    const Truncation global = truncation(net.weights, s, .3);
    Tensor& terms = net.weights.layers[1].*factor;
    for (std::int64_t k = 0; k < terms.shape[1]; ++k) terms.mutable_data<double>()[k] *= 100;
    const std::int64_t at =
        factor == &LowRankLayer::b ? net.weights.bias_begin(1) : net.weights.weight_begin(1);
    for (std::int64_t i = 0; i < 6; ++i) s.mutable_data<double>()[i * s.shape[1] + at] /= 100;
    for (std::size_t k = 0; k < thresholds.size(); ++k) {
      const Truncation after = truncation(net.weights, s, thresholds[k], Relative::terms);
      BOOST_TEST((after.weights == before[k].weights && after.biases == before[k].biases));
    }
    const Truncation other = truncation(net.weights, s, .3);
    BOOST_TEST((other.weights != global.weights || other.biases != global.biases));
  }
}

// A layer all of whose terms are gone is its activation at zero.
BOOST_AUTO_TEST_CASE(a_layer_may_lose_everything) {
  const Example net = example(small);
  Tensor s = net.coefficients(random({3}, 3));
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t k = net.weights.weight_begin(1); k < net.weights.weight_begin(2); ++k)
      s.mutable_data<double>()[i * s.shape[1] + k] = 0;
  const Truncation kept = truncation(net.weights, s);
  BOOST_TEST(kept.weight_ranks()[1] == 0);
  const Tensor x = random({3, 1}, 5);
  BOOST_TEST(difference(values(truncated(net.weights, kept), x, truncated(net.weights, s, kept)),
                        values(net.weights, x, s)) <= 1e-14);
}

BOOST_AUTO_TEST_SUITE_END()
