// Low-rank networks whose layers have ranks of their own, and terms that are more than rank one.
#include <lowtide/linalg/error.h>
#include <lowtide/models/lrnr.h>
#include <lowtide/models/lrnr_cheb.h>

#include "check_model.h"

#include <algorithm>

using namespace lowtide;

namespace {

// The class of the LRNR paper's Theorem 3.4.
Lrnr theorem(std::int64_t width, std::int64_t term) {
  return {.in = 1,
          .width = width,
          .depth = 5,
          .hyper_width = 4,
          .hyper_depth = 3,
          .activation = Activation::tanh,
          .ranks = {.weight = {1, 2, 1, 1, 1}, .bias = {1, 1, 2, 2, 0}, .term = term}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(layer_ranks_suite)

BOOST_AUTO_TEST_CASE(twelve_coefficients) {
  for (const std::int64_t term : {1, 3, 100}) {
    const Lrnr net = theorem(7, term);
    BOOST_TEST(net.coefficients() == 12);
    BOOST_TEST(count(net.init(Stream(1, "lrnr"))) == net.parameter_count());
  }
  const LowRankNet general = theorem(7, 100).factors();
  BOOST_TEST(general.factor_rows(0) == 1);  // 1 x 7
  BOOST_TEST(general.factor_rows(1) == 14);
  BOOST_TEST(general.factor_rows(4) == 1);
}

BOOST_AUTO_TEST_CASE(passes_what_every_model_must) {
  check_model(theorem(6, 1), 1, 1, "ranks by layers", true, 4);
  check_model(theorem(6, 2), 1, 1, "terms of rank two");
  check_model(theorem(6, 6), 1, 1, "general terms");
}

// Units of the first layer for s = 1, whatever the ranks: kinks evenly spaced over the domain and a little
// beyond.
BOOST_AUTO_TEST_CASE(kinks_in_their_places) {
  LowRankNet net = theorem(9, 9).factors();
  net.start = Start::kinks;
  const Tensors theta = net.init(Stream(1, "lrnr"), Dtype::f64);
  Vector places;
  for (std::int64_t j = 0; j < 9; ++j) places.push_back(-theta[2].at(j) / (theta[0].at(j) * theta[1].at(0)));
  std::sort(places.begin(), places.end());
  for (std::size_t j = 0; j < 9; ++j)
    BOOST_TEST(std::abs(places[j] - (-1.1 + 0.275 * static_cast<double>(j))) <= 1e-12);
}

// y = sum_i s1_i V_iT U_i z + B s2 for matrices that are multiplied out here.
BOOST_AUTO_TEST_CASE(terms_share_their_coefficient) {
  const LowRankNet net{.in = 2,
                       .out = 3,
                       .width = 4,
                       .depth = 2,
                       .activation = Activation::relu,
                       .ranks = {.weight = {2, 3}, .bias = {1, 2}, .term = 2}};
  BOOST_TEST(net.coefficients() == 8);
  Tensors theta = net.init(Stream(1, "net"), Dtype::f64);
  Stream numbers(2, "numbers");
  const Tensor x = numbers.uniform({1, 2}, Dtype::f64, -1, 1), s = numbers.uniform({8}, Dtype::f64, -1, 1);
  Vector z{x.at(0), x.at(1)};
  std::int64_t at = 0;
  for (std::int64_t l = 0; l < 2; ++l) {
    const auto k = static_cast<std::size_t>(3 * l);
    const std::int64_t m = net.layer_in(l), w = net.layer_out(l), r = net.weight_rank(l), q = net.bias_rank(l);
    Vector y(static_cast<std::size_t>(w), 0.0);
    for (std::int64_t o = 0; o < w; ++o) {
      for (std::int64_t i = 0; i < r; ++i)
        for (std::int64_t j = 2 * i; j < 2 * i + 2; ++j)
          for (std::int64_t c = 0; c < m; ++c)
            y[static_cast<std::size_t>(o)] += s.at(at + i) * theta[k].at(j * w + o) *
                                              theta[k + 1].at(j * m + c) * z[static_cast<std::size_t>(c)];
      for (std::int64_t i = 0; i < q; ++i)
        y[static_cast<std::size_t>(o)] += s.at(at + r + i) * theta[k + 2].at(i * w + o);
    }
    if (l == 0)
      for (double& v : y) v = std::max(v, 0.0);
    z = y;
    at += r + q;
  }
  const Tensor u = net(vars(theta), Var(x), Var(s)).value();
  for (std::int64_t o = 0; o < 3; ++o) BOOST_TEST(std::abs(u.at(o) - z[static_cast<std::size_t>(o)]) <= 1e-14);
}

// Equal ranks by a list are the same network.
BOOST_AUTO_TEST_CASE(equal_ranks_change_nothing) {
  const LowRankNet plain{.in = 1, .width = 8, .depth = 3, .rank = 4, .start = Start::kinks};
  LowRankNet listed = plain;
  listed.rank = 99;
  listed.ranks = {.weight = {4, 4, 4}, .bias = {4, 4, 4}};
  const Tensors a = plain.init(Stream(1, "net"), Dtype::f32), b = listed.init(Stream(1, "net"), Dtype::f32);
  BOOST_REQUIRE(a.size() == b.size());
  for (std::size_t k = 0; k < a.size(); ++k) BOOST_TEST(same_bits(a[k], b[k]));
  BOOST_TEST(plain.flops(10) == listed.flops(10));
  BOOST_TEST(plain.coefficients() == listed.coefficients());
}

// Several times at once are each alone.
BOOST_AUTO_TEST_CASE(several_times) {
  const LowRankNet net = theorem(6, 6).factors();
  const Vars theta = vars(net.init(Stream(1, "net"), Dtype::f64));
  Stream numbers(3, "numbers");
  const Tensor x = numbers.uniform({6, 1}, Dtype::f64, -1, 1), s = numbers.uniform({2, 12}, Dtype::f64, -1, 1);
  const Tensor both = net(theta, Var(x), Var(s)).value();
  for (std::int64_t f = 0; f < 2; ++f) {
    const Tensor alone =
        net(theta, Var(x.rows(3 * f, 3 * f + 3)), Var(s.rows(f, f + 1).reshaped({12}))).value();
    for (std::int64_t i = 0; i < 3; ++i) BOOST_TEST(std::abs(both.at(3 * f + i) - alone.at(i)) <= 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(refuses_ranks_that_do_not_fit) {
  const auto refused = [](const LayerRanks& ranks, Start start = Start::plain) {
    Lrnr net = theorem(6, 1);
    net.ranks = ranks;
    net.start = start;
    BOOST_CHECK_THROW(net.init(Stream(1, "lrnr")), ShapeError);
  };
  refused({.weight = {1, 1}, .bias = {1, 1}});
  refused({.weight = {1, 2, 1, 1, 0}, .bias = {1, 1, 2, 2, 0}});
  refused({.weight = {1, 2, 1, 1, 1}, .bias = {1, 1, -2, 2, 0}});
  refused({.weight = {1, 2, 1, 1, 1}, .bias = {1, 1, 2, 2, 0}, .term = 0});
  refused({.weight = {1, 2, 1, 1, 1}, .bias = {0, 1, 2, 2, 0}}, Start::kinks);
}

BOOST_AUTO_TEST_SUITE_END()
