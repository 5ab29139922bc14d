// Low-rank matrices as fields in Vars, and reduced ones with their derivatives.
#include <lowtide/autodiff/check.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/low_rank_field.h>

#include "support.h"

using namespace support;

BOOST_AUTO_TEST_SUITE(low_rank_field_suite)

const Derivatives all_derivatives{{}, {0}, {1}, {0, 0}, {0, 1}};

// u, u_x, u_xx at points for one s.
Tensors jet(const std::function<Var(const Var&, const Var&)>& u, const Tensor& x, const Tensor& s) {
  Tensor e = zeros(x.shape, Dtype::f64);
  for (std::int64_t i = 0; i < x.shape[0]; ++i) e.mutable_data<double>()[i * x.shape[1]] = 1;
  Tape tape;
  const Var points = tape.leaf(x), value = u(points, Var(s));
  const Var first = push(value, points, Var(e), Graph::keep), second = push(first, points, Var(e), Graph::keep);
  return {value.peek(), first.peek(), second.peek()};
}

struct Case {
  Example net = example(plane);
  Tensor x = random({4, 2}, 5), s = net.coefficients(linspace(-1, 1, 9, Dtype::f64));
  Tensor one = s.rows(3, 4).reshaped({s.shape[1]});
  auto whole() const {
    return [this](const Var& p, const Var& c) { return field(net.weights, p, c); };
  }
};

BOOST_AUTO_TEST_CASE(is_the_network) {
  const Case c;
  const Tensor u = field(c.net.weights, Var(c.x), Var(c.one)).value();
  BOOST_TEST(difference(u, values(c.net.weights, c.x, c.one.reshaped({1, c.one.size()}))) <= 1e-13);
  BOOST_TEST(max_abs(u) > 1e-2);
  BOOST_CHECK_THROW(field(c.net.weights, Var(c.x), Var(random({3}, 1))), ShapeError);
}

BOOST_AUTO_TEST_CASE(complete_bases_lose_nothing) {
  const Case c;
  const HiddenBases bases = hidden_bases(c.net.weights, random({30, 2}, 2), c.s, all_derivatives);
  const std::int64_t w = plane.width;
  const FastLrnr fast = fast_lrnr(c.net.weights, bases, {w, w, w});
  const auto few = [&](const Var& p, const Var& s) { return field(fast.net, p, s); };
  const Tensors a = jet(c.whole(), c.x, c.one), b = jet(few, c.x, c.one);
  for (std::size_t k = 0; k < a.size(); ++k) BOOST_TEST(difference(a[k], b[k]) <= 1e-8 * max_abs(a[k]));
}

// With few units, derivatives are reproduced where bases have seen them, and not where they have not.
BOOST_AUTO_TEST_CASE(derivatives_need_a_place_in_the_basis) {
  const Case c;
  const auto error_of = [&](const Derivatives& seen) {
    const HiddenBases bases = hidden_bases(c.net.weights, c.x.rows(0, 1), c.s, seen);
    const FastLrnr fast = fast_lrnr(c.net.weights, bases, {9, 9, 9});
    const auto few = [&](const Var& p, const Var& s) { return field(fast.net, p, s); };
    const Tensors a = jet(c.whole(), c.x.rows(0, 1), c.one), b = jet(few, c.x.rows(0, 1), c.one);
    return difference(a[2], b[2]) / max_abs(a[2]);
  };
  BOOST_TEST(error_of({{}, {0}, {0, 0}}) < .2 * error_of({{}}));
}

BOOST_AUTO_TEST_CASE(side_by_side_each_at_its_point) {
  const Case c;
  std::vector<LowRankWeights> nets;
  for (std::int64_t i = 0; i < 4; ++i) {
    const HiddenBases bases = hidden_bases(c.net.weights, c.x.rows(i, i + 1), c.s, all_derivatives);
    nets.push_back(fast_lrnr(c.net.weights, bases, {6, 7, 8}).net);
  }
  const LocalNets all = side_by_side(nets);
  const Tensor u = field(all, Var(c.x), Var(c.one)).value();
  for (std::int64_t i = 0; i < 4; ++i)
    BOOST_TEST(
        difference(u.rows(i, i + 1),
                   field(nets[static_cast<std::size_t>(i)], Var(c.x.rows(i, i + 1)), Var(c.one)).value()) <=
        1e-12);
  BOOST_CHECK_THROW(field(all, Var(c.x.rows(0, 3)), Var(c.one)), ShapeError);
  // Two of them, each for two rows.
  const Tensor both = field(side_by_side({nets[0], nets[3]}), Var(c.x), Var(c.one)).value();
  for (std::int64_t i = 0; i < 4; i += 2)
    BOOST_TEST(difference(both.rows(i, i + 2),
                          field(nets[i == 0 ? 0 : 3], Var(c.x.rows(i, i + 2)), Var(c.one)).value()) <= 1e-12);
  nets[1].layers[1].b = nets[1].layers[1].b.rows(0, 2);
  BOOST_CHECK_THROW(side_by_side(nets), ShapeError);
}

BOOST_AUTO_TEST_CASE(has_the_derivatives_it_says) {
  const Case c;
  const auto report = check([&](const Vars& p) { return field(c.net.weights, p[0], p[1]); }, {c.x, c.one},
                            {.label = "field", .in_f32 = false});
  BOOST_TEST(report.ok(), report.text());
  const LocalNets pair = side_by_side({c.net.weights, c.net.weights, c.net.weights, c.net.weights});
  const auto local = check([&](const Vars& p) { return field(pair, p[0], p[1]); }, {c.x, c.one},
                           {.label = "field", .in_f32 = false});
  BOOST_TEST(local.ok(), local.text());
  const LocalNets clusters = side_by_side({c.net.weights, c.net.weights});
  const auto shared = check([&](const Vars& p) { return field(clusters, p[0], p[1]); }, {c.x, c.one},
                            {.label = "field", .in_f32 = false});
  BOOST_TEST(shared.ok(), shared.text());
}

// The leading part of a basis, from a sketch: it holds the states as well as the best one of its rank does.
BOOST_AUTO_TEST_CASE(leading_parts_of_bases_from_a_sketch) {
  const Example wide = example({.in = 2, .out = 1, .width = 60, .depth = 3, .rank = 5});
  const Tensor x = random({3, 2}, 4), s = wide.coefficients(linspace(-1, 1, 31, Dtype::f64));
  const HiddenBases all = hidden_bases(wide.weights, x, s, {{}, {0}}),
                    few = hidden_bases(wide.weights, x, s, {{}, {0}}, 6);
  for (std::size_t l = 0; l < 2; ++l) {
    BOOST_TEST((few.basis[l].shape == Shape({60, 6})));
    const double first = all.singular_values[l].at(0);
    for (std::int64_t j = 0; j < 6; ++j)
      BOOST_TEST(std::abs(few.singular_values[l].at(j) - all.singular_values[l].at(j)) <= 1e-3 * first);
    // Directions that lie well above what follows are the same.
    const Tensor inner = multiply(all.basis[l], few.basis[l], Trans::yes);  // (60,6)
    for (std::int64_t j = 0; j < 3; ++j) {
      double square = 0;
      for (std::int64_t i = 0; i < 6; ++i) square += std::pow(inner.at(j * 6 + i), 2);
      BOOST_TEST(square > .99);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
