#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/fast_lrnr.h>

#include "support.h"

using namespace support;

BOOST_AUTO_TEST_SUITE(fast_lrnr_suite)

struct Trial {
  Example net;
  Tensor x, s, unseen;
  HiddenBases bases;
};

Trial trial(const Lrnr& model, std::uint64_t seed = 1) {
  Trial out{
      .net = example(model, seed), .x = random({1, model.in}, seed + 1), .s = {}, .unseen = {}, .bases = {}};
  out.s = out.net.coefficients(linspace(-1, 1, 41, Dtype::f64));
  out.unseen = out.net.coefficients(random({100}, seed + 2));
  out.bases = hidden_bases(pass(out.net.weights, out.x, out.s));
  return out;
}

std::vector<std::int64_t> all_layers(const Trial& t, std::int64_t rank) {
  return std::vector<std::int64_t>(t.bases.basis.size(), rank);
}

double error(const Trial& t, const FastLrnr& fast, const Tensor& s) {
  return difference(values(fast.net, t.x, s), values(t.net.weights, t.x, s));
}

// With all directions there are, nothing is lost: at any point and time.
BOOST_AUTO_TEST_CASE(full_rank_is_the_network) {
  Trial t = trial(plane);
  const std::int64_t w = plane.width;
  // Bases of many points, so that they span everything.
  t.bases = hidden_bases(pass(t.net.weights, random({60, 2}, 9), t.net.coefficients(random({60}, 8))));
  for (const Selector selector : {Selector::eim, Selector::qdeim, Selector::s_opt}) {
    const FastLrnr fast = fast_lrnr(t.net.weights, t.bases, all_layers(t, w), {.selector = selector});
    BOOST_TEST(error(t, fast, t.unseen) <= 1e-9);
  }
}

// States at the rows are exact where the basis holds the states: here, with as many directions as matter.
BOOST_AUTO_TEST_CASE(interpolates_at_its_rows) {
  const Trial t = trial(small);
  const FastLrnr fast = fast_lrnr(t.net.weights, t.bases, all_layers(t, 18));
  const auto full = pass(t.net.weights, t.x, t.s), reduced = pass(fast.net, t.x, t.s);
  for (std::size_t l = 0; l + 1 < full.size(); ++l)
    BOOST_TEST(difference(columns_of(full[l].z, fast.rows[l]), reduced[l].z) <= 1e-9);
  // The first layer is exact whatever the rank.
  const FastLrnr poor = fast_lrnr(t.net.weights, t.bases, all_layers(t, 2));
  BOOST_TEST(difference(columns_of(full[0].z, poor.rows[0]), pass(poor.net, t.x, t.s)[0].z) <= 1e-14);
}

BOOST_AUTO_TEST_CASE(errors_fall_with_the_rank) {
  for (const Selector selector : {Selector::eim, Selector::qdeim, Selector::s_opt}) {
    const Trial t = trial(plane);
    double before = 1e300;
    for (const std::int64_t rank : {2, 4, 6, 8}) {
      const double now =
          error(t, fast_lrnr(t.net.weights, t.bases, all_layers(t, rank), {.selector = selector}), t.unseen);
      BOOST_TEST(now < .5 * before);
      before = now;
    }
    BOOST_TEST(before <= 1e-3);
  }
}

BOOST_AUTO_TEST_CASE(the_bound_holds_at_its_own_rows) {
  for (const Activation activation : {Activation::tanh, Activation::sin, Activation::silu, Activation::relu})
    for (const std::int64_t rank : {2, 5, 8})
      for (const std::int64_t oversample : {0, 3}) {
        Lrnr model = plane;
        model.activation = activation;
        const Trial t = trial(model, static_cast<std::uint64_t>(rank));
        const FastLrnr fast =
            fast_lrnr(t.net.weights, t.bases, all_layers(t, rank), {.oversample = oversample});
        const Tensor bounds = error_bounds(t.net.weights, fast, pass(t.net.weights, t.x, t.unseen), t.unseen);
        const Tensor u = values(t.net.weights, t.x, t.unseen), v = values(fast.net, t.x, t.unseen);
        double closest = 1e300;
        for (std::int64_t i = 0; i < bounds.size(); ++i) {
          double square = 0;
          for (std::int64_t k = 3 * i; k < 3 * i + 3; ++k) square += std::pow(u.at(k) - v.at(k), 2);
          BOOST_TEST(std::sqrt(square) <= bounds.at(i) * (1 + 1e-9) + 1e-14);
          closest = std::min(closest, bounds.at(i) / std::sqrt(square));
        }
        BOOST_TEST(closest <= 100);  // it is not a bound that says nothing
      }
}

BOOST_AUTO_TEST_CASE(ranks_follow_the_tolerance) {
  const Trial t = trial(plane);
  std::vector<std::int64_t> before = all_layers(t, 0);
  for (const double tolerance : {1e-1, 1e-3, 1e-5}) {
    const auto ranks =
        ranks_for(t.net.weights, t.bases, pass(t.net.weights, t.x, t.unseen), t.unseen, tolerance, 20);
    for (std::size_t l = 0; l < ranks.size(); ++l) BOOST_TEST(ranks[l] >= before[l]);
    // The rule counts each layer by itself, with slopes of the network: together they stay near.
    BOOST_TEST(error(t, fast_lrnr(t.net.weights, t.bases, ranks), t.unseen) <= tolerance);
    before = ranks;
  }
  BOOST_TEST(ranks_for(t.net.weights, t.bases, pass(t.net.weights, t.x, t.unseen), t.unseen, 1e-300, 7) ==
                 all_layers(t, 7),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ranks_that_cannot_be) {
  const Trial t = trial(small);
  BOOST_CHECK_THROW(fast_lrnr(t.net.weights, t.bases, all_layers(t, 0)), ShapeError);
  BOOST_CHECK_THROW(fast_lrnr(t.net.weights, t.bases, all_layers(t, 21)), ShapeError);
  BOOST_CHECK_THROW(fast_lrnr(t.net.weights, t.bases, {3}), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
