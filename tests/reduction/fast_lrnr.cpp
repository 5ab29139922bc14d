#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/fast_lrnr.h>

#include <algorithm>
#include <limits>

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

// The same bound at one row by assembled matrices, singular values sigma of them, and (sum sigma^8)^(1/8) for
// their norm.
double bound_by_definition(const LowRankWeights& net, const FastLrnr& fast, const Tensor& x, const Tensor& s) {
  const auto full = pass(net, x, s);
  double gathered = 0;
  for (std::int64_t l = 1; l < net.depth(); ++l) {
    const auto at = static_cast<std::size_t>(l);
    const LowRankLayer &whole = net.layer(l), &few = fast.net.layer(l);
    const bool last = l + 1 == net.depth();
    const Tensor z = full[at - 1].z, q = columns_of(z, fast.rows[at - 1]);
    const std::int64_t w = few.out(), k = few.in();
    Tensor what = zeros({w, k}, Dtype::f64), rho = zeros({1, w}, Dtype::f64);
    for (std::int64_t i = 0; i < w; ++i)
      for (std::int64_t j = 0; j < few.weight_rank(); ++j) {
        const double us = few.u.at(j * w + i) * s.at(net.weight_begin(l) + j);
        for (std::int64_t p = 0; p < k; ++p) what.mutable_data<double>()[i * k + p] += us * few.v.at(j * k + p);
        rho.mutable_data<double>()[i] += us * (dot(whole.v.rows(j, j + 1), z) - dot(few.v.rows(j, j + 1), q));
      }
    for (std::int64_t i = 0; i < w && !last; ++i) {
      const double off = norm(what.rows(i, i + 1)) * gathered + std::abs(rho.at(i));
      const double slope =
          largest_slope(net.activation, full[at].y.at(fast.rows[at][static_cast<std::size_t>(i)]), off);
      for (std::int64_t p = 0; p < k; ++p) what.mutable_data<double>()[i * k + p] *= slope;
      rho.mutable_data<double>()[i] *= slope;
    }
    double sum = 0;
    for (const double sigma : to_vector(svd(what).s)) sum += std::pow(sigma, 8);
    gathered = std::pow(sum, 1. / 8) * gathered + norm(rho);
  }
  return gathered;
}

BOOST_AUTO_TEST_CASE(the_bound_is_what_its_definition_says) {
  for (const Activation activation : {Activation::tanh, Activation::relu})
    for (const std::int64_t rank : {3, 8}) {
      Lrnr model = plane;
      model.activation = activation;
      const Trial t = trial(model, static_cast<std::uint64_t>(rank));
      const FastLrnr fast = fast_lrnr(t.net.weights, t.bases, all_layers(t, rank), {.oversample = 1});
      const Tensor x = random({5, 2}, 11), s = t.unseen.rows(0, 5);
      const auto bounds = [&](const Tensor& points, const Tensor& at) {
        return error_bounds(t.net.weights, fast, pass(t.net.weights, points, at), at);
      };
      const Tensor pairs = bounds(x, s), one_x = bounds(x.rows(1, 2), s), one_s = bounds(x, s.rows(2, 3));
      for (std::int64_t i = 0; i < 5; ++i) {
        const auto near = [&](double found, const Tensor& row, const Tensor& at) {
          const double truth = bound_by_definition(t.net.weights, fast, row, at);
          BOOST_TEST(std::abs(found - truth) <= 1e-10 * truth);
        };
        near(pairs.at(i), x.rows(i, i + 1), s.rows(i, i + 1));
        near(one_x.at(i), x.rows(1, 2), s.rows(i, i + 1));
        near(one_s.at(i), x.rows(i, i + 1), s.rows(2, 3));
      }
    }
}

BOOST_AUTO_TEST_CASE(no_bound_where_sums_overflow) {
  for (const Activation activation : {Activation::tanh, Activation::relu}) {
    Lrnr model = plane;
    model.activation = activation;
    const Trial t = trial(model);
    FastLrnr fast = fast_lrnr(t.net.weights, t.bases, all_layers(t, 5));
    fast.net.layers[1].v.mutable_data<double>()[0] = std::numeric_limits<double>::quiet_NaN();
    const Tensor bounds = error_bounds(t.net.weights, fast, pass(t.net.weights, t.x, t.unseen), t.unseen);
    for (std::int64_t i = 0; i < bounds.size(); ++i)
      BOOST_TEST(bounds.at(i) == std::numeric_limits<double>::infinity());
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

// The largest |du/dz|_F of hidden layer l over the rows, by differences of what follows it.
double gain_by_differences(const Trial& t, std::int64_t l) {
  const LowRankWeights& net = t.net.weights;
  const LowRankWeights rest{net.activation, {net.layers.begin() + l + 1, net.layers.end()}};
  std::vector<std::int64_t> later;
  for (std::int64_t i = net.weight_begin(l + 1); i < net.coefficients(); ++i) later.push_back(i);
  const Tensor z = pass(net, t.x, t.unseen)[static_cast<std::size_t>(l)].z, s = columns_of(t.unseen, later);
  std::vector<double> squares(static_cast<std::size_t>(z.shape[0]), 0.0);
  const double h = 1e-5;
  for (std::int64_t j = 0; j < z.shape[1]; ++j) {
    Tensor up = z.clone(), down = z.clone();
    for (std::int64_t i = 0; i < z.shape[0]; ++i) {
      up.mutable_data<double>()[i * z.shape[1] + j] += h;
      down.mutable_data<double>()[i * z.shape[1] + j] -= h;
    }
    const Tensor a = values(rest, up, s), b = values(rest, down, s);
    for (std::int64_t i = 0; i < a.size(); ++i)
      squares[static_cast<std::size_t>(i / a.shape[1])] += std::pow((a.at(i) - b.at(i)) / (2 * h), 2);
  }
  return std::sqrt(*std::max_element(squares.begin(), squares.end()));
}

BOOST_AUTO_TEST_CASE(ranks_are_what_their_definition_says) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Trial t = trial(plane, seed);
    const auto full = pass(t.net.weights, t.x, t.unseen);
    for (const double tolerance : {1e-1, 3e-3, 1e-4}) {
      const auto found = ranks_for(t.net.weights, t.bases, full, t.unseen, tolerance, 20);
      for (std::size_t l = 0; l < t.bases.basis.size(); ++l) {
        const Tensor& z = full[l].z;
        const double gain = gain_by_differences(t, static_cast<std::int64_t>(l));
        const auto does = [&](std::int64_t rank) {
          std::vector<std::int64_t> which;
          for (std::int64_t j = 0; j < rank; ++j) which.push_back(j);
          const Tensor xi = columns_of(t.bases.basis[l], which),
                       missed = multiply(multiply(z, xi), xi, Trans::no, Trans::yes);
          const FastLrnr fast = fast_lrnr(t.net.weights, t.bases, all_layers(t, rank));
          return gain * fast.amplification[l] * largest_row_difference(z, missed) <= tolerance / 3;
        };
        BOOST_TEST((found[l] == 20 || does(found[l])));
        BOOST_TEST((found[l] == 1 || !does(found[l] - 1)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_beyond_the_rank) {
  const Trial t = trial(plane);
  for (const std::int64_t oversample :
       {std::int64_t{0}, std::int64_t{3}, std::numeric_limits<std::int64_t>::max()}) {
    const FastLrnr fast = fast_lrnr(t.net.weights, t.bases, all_layers(t, 4), {.oversample = oversample});
    for (std::size_t l = 0; l < fast.rows.size(); ++l) {
      BOOST_TEST(fast.ranks[l] == 4);
      BOOST_TEST(std::ssize(fast.rows[l]) == std::min(4 + std::min<std::int64_t>(oversample, 20), plane.width));
      // |(PT Xi)^+|_2 against the shortest image of a unit vector.
      const Tensor xi = columns_of(t.bases.basis[l], {0, 1, 2, 3}), some = rows_of(xi, fast.rows[l]);
      BOOST_TEST(std::abs(fast.amplification[l] * svd(some).s.at(3) - 1) <= 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(ranks_that_cannot_be) {
  const Trial t = trial(small);
  BOOST_CHECK_THROW(fast_lrnr(t.net.weights, t.bases, all_layers(t, 0)), ShapeError);
  BOOST_CHECK_THROW(fast_lrnr(t.net.weights, t.bases, all_layers(t, 21)), ShapeError);
  BOOST_CHECK_THROW(fast_lrnr(t.net.weights, t.bases, {3}), ShapeError);
  const FastLrnr fast = fast_lrnr(t.net.weights, t.bases, all_layers(t, 3));
  const auto states = pass(t.net.weights, t.x, t.s);  // at other times, and fewer
  BOOST_CHECK_THROW(error_bounds(t.net.weights, fast, states, t.unseen), ShapeError);
  BOOST_CHECK_THROW(ranks_for(t.net.weights, t.bases, states, t.unseen, 1e-3, 5), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
