// Coefficients tuned to an equation: gradients, descent, the reduced equation, and the same bits on any
// threads.
#include <lowtide/autodiff/check.h>
#include <lowtide/experiments/reduced_equation.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/lrnr.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

namespace {

// u_t + mu u_x = nu u_xx with u = sin(pi x) at first; the network is untrained, so that there is much to do.
struct Example {
  std::shared_ptr<const Pinn> pinn;
  Lrnr model;
  LowRankWeights net;
  CoefficientsOf coefficients;

  explicit Example(std::int64_t width = 16)
      : model{.in = 2, .out = 1, .width = width, .depth = 3, .rank = 4, .hyper_width = 6, .hyper_depth = 2} {
    Pinn p{.box = {{-1, 0}, {1, 1}}, .inputs = {"x", "t"}};
    p.parameters = {"mu"};
    p.parameter_box = {{1}, {2}};
    p.training = {{1}, {2}};
    p.trial = [](const Var& at, const Var& u) { return sin(3. * column(at, 0)) + column(at, 1) * u; };
    p.equation([](const Jet& u) { return u.d(1) + u.mu(0) * u.d(0) - .1 * u.d(0, 0); });
    p.side("inflow", 2, 0, Pinn::End::low, [](const Jet& u) { return u() - u.at(u.x()) * .5; });
    pinn = std::make_shared<const Pinn>(p);
    const Tensors theta = model.init(Stream(3, "example"), Dtype::f64);
    net = weights_of(model.factors(), theta);
    coefficients = [m = model, t = Vars(theta.begin(), theta.end()), q = pinn](const Tensor& mu) {
      std::vector<std::vector<double>> values;
      for (std::int64_t i = 0; i < mu.size(); ++i) values.push_back({mu.at(i)});
      return m.coefficients_at_times(t, Var(pinn_parameters(*q, values, Dtype::f64))).value();
    };
  }
  Tensor s(double mu) const {
    return coefficients(full({1, 1}, mu, Dtype::f64)).reshaped({net.coefficients()});
  }
  EquationAt whole(double mu, std::int64_t n = 300) const {
    return {pinn, {mu}, net, {}, tuning_points(*pinn, n, Stream(1, "points"))};
  }
  ReducedEquation reduced(std::int64_t rank, std::int64_t cluster, double spread = .5,
                          std::int64_t points = 12) const {
    return reduced_equation(
        pinn, net, coefficients,
        {.rank = rank, .points = points, .candidates = 80, .samples = 9, .cluster = cluster, .spread = spread},
        Stream(1, "points"));
  }
};

double loss_of(const EquationAt& equation, const Tensor& s) {
  return value([&](const Vars& p) { return loss(equation, p[0]); }, {s}).item();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tuning_suite)

BOOST_AUTO_TEST_CASE(the_loss_is_that_of_training) {
  Example e;
  Pinn one = *e.pinn;
  one.training = {{1.3}};
  const auto pinn = std::make_shared<const Pinn>(one);
  const Tensors theta = e.model.init(Stream(3, "example"), Dtype::f64);
  const EquationAt whole = e.whole(1.3);
  const double truth =
      value([&](const Vars& p) { return pinn_loss(pinn, e.model, p, whole.points); }, theta).item();
  BOOST_TEST(truth > 1e-3);
  BOOST_TEST(std::abs(loss_of(whole, e.s(1.3)) - truth) <= 1e-10 * truth);
}

BOOST_AUTO_TEST_CASE(gradients_by_coefficients) {
  const Example e;
  for (const std::int64_t cluster : {0, 1, 3}) {
    const EquationAt few = e.reduced(6, cluster).at(e.pinn, {1.3});
    const auto report =
        check([&](const Vars& p) { return loss(few, p[0]); }, {e.s(1.3)}, {.label = "field", .in_f32 = false});
    BOOST_TEST(report.ok(), report.text());
  }
  // The gradient of |r|^2 is 2 J^T r.
  const EquationAt whole = e.whole(1.3, 40);
  const Residuals r = linearized(whole, e.s(1.3), {});
  const Tensor g = loss_and_gradient(whole, e.s(1.3)).gradient;
  for (std::int64_t j = 0; j < g.size(); ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i < r.r.size(); ++i) sum += 2 * r.jacobian.at(i * g.size() + j) * r.r.at(i);
    BOOST_TEST(std::abs(sum - g.at(j)) <= 1e-9 * max_abs(g));
  }
}

// With as many units as there are, the reduced equation is the equation at its points.
BOOST_AUTO_TEST_CASE(complete_bases_lose_nothing) {
  const Example e;
  for (const std::int64_t cluster : {0, 1, 3}) {
    const ReducedEquation few = e.reduced(16, cluster);
    EquationAt same = e.whole(1.7);
    same.points = few.points;
    const ValueAndSlope a = loss_and_gradient(same, e.s(1.7)),
                        b = loss_and_gradient(few.at(e.pinn, {1.7}), e.s(1.7));
    BOOST_TEST(std::abs(a.value - b.value) <= 1e-6 * a.value);
    for (std::int64_t j = 0; j < a.gradient.size(); ++j)
      BOOST_TEST(std::abs(a.gradient.at(j) - b.gradient.at(j)) <= 1e-6 * max_abs(a.gradient));
  }
}

BOOST_AUTO_TEST_CASE(tuning_lowers_the_loss) {
  const Example e;
  const EquationAt whole = e.whole(1.3);
  const double before = loss_of(whole, e.s(1.3));
  const auto after = [&](const TuneOptions& options) {
    const Tuned found = tune(whole, e.s(1.3), options);
    BOOST_TEST(found.loss_before == before);
    BOOST_TEST(std::abs(found.loss - loss_of(whole, found.s)) <= 1e-12 * before);
    BOOST_TEST((found.steps >= 1 && found.steps <= options.steps));
    return found.loss;
  };
  BOOST_TEST(after({.steps = 10}) < .3 * before);
  BOOST_TEST(after({.by = TuneBy::lbfgs, .steps = 60}) < .25 * before);
  BOOST_TEST(after({.by = TuneBy::adam, .steps = 60, .lr = 1e-2}) < .85 * before);
  TuneOptions along{.steps = 10};
  along.directions = tuning_directions(*e.pinn, e.coefficients, 2);
  BOOST_TEST((along.directions.shape == Shape({e.net.coefficients(), 2})));
  const double two = after(along);
  BOOST_TEST((two < before && two > after({.steps = 10})));
  // By the reduced equation: the loss of the whole network falls too.
  // There are more points than coefficients, so that these are not fitted to the points.
  const Tuned few = tune(e.reduced(16, 1, .5, 60).at(e.pinn, {1.3}), e.s(1.3), {.steps = 5});
  BOOST_TEST_MESSAGE("loss " << before << ", by 60 points " << loss_of(whole, few.s));
  BOOST_TEST(loss_of(whole, few.s) < .75 * before);
}

// Where tuning has gone at some values: exactly the span of what was added, by its lengths.
BOOST_AUTO_TEST_CASE(learned_directions_are_where_tuning_went) {
  const Example e;
  const Tensor mu = from({4, 1}, {1., 1.3, 1.6, 2.});
  Tensor s = e.coefficients(mu).clone();
  const std::int64_t n = e.net.coefficients();
  const std::vector<double> along{1, -1, 2, .5};  // of e_2, and of e_5 always .1 of the other sign
  for (std::size_t k = 0; k < along.size(); ++k) {
    s.mutable_data<double>()[static_cast<std::int64_t>(k) * n + 2] += along[k];
    s.mutable_data<double>()[static_cast<std::int64_t>(k) * n + 5] -= .1;
  }
  const Tensor d = learned_directions(e.coefficients, mu, s, 5);
  BOOST_TEST((d.shape == Shape({n, 2})));
  // D D^T is the mean of what was added times itself.
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double found = d.at(2 * i) * d.at(2 * j) + d.at(2 * i + 1) * d.at(2 * j + 1);
      const double truth = i == 2 && j == 2                   ? (1 + 1 + 4 + .25) / 4
                           : i == 5 && j == 5                 ? .01
                           : i + j == 7 && (i == 2 || i == 5) ? -.1 * 2.5 / 4
                                                              : 0;
      BOOST_TEST(std::abs(found - truth) <= 1e-10);
    }
  BOOST_TEST((learned_directions(e.coefficients, mu, s, 1).shape == Shape({n, 1})));
}

// Bases that hold states along the directions in which s moves: the reduced equation holds there, where bases
// of hyper(mu) do not, and tuning by it does what tuning by the network does.
BOOST_AUTO_TEST_CASE(bases_that_know_where_tuning_goes) {
  const Example e(96);
  const Tensor mu = parameter_samples(e.pinn->parameter_box, 5);
  Tensor s({5, e.net.coefficients()}, Dtype::f64);
  for (std::int64_t k = 0; k < 5; ++k) {
    const Tensor found = tune(e.whole(mu.at(k), 100), e.s(mu.at(k)), {.steps = 4}).s;
    std::copy_n(found.data<double>(), found.size(), s.mutable_data<double>() + k * found.size());
  }
  const Tensor directions = learned_directions(e.coefficients, mu, s, 4);
  const auto reduced = [&](std::int64_t cluster, const Tensor& along) {
    return reduced_equation(e.pinn, e.net, e.coefficients,
                            {.rank = 40,
                             .points = 48,
                             .candidates = 100,
                             .samples = 9,
                             .cluster = cluster,
                             .around = 8,
                             .directions = along},
                            Stream(1, "points"));
  };
  TuneOptions options{.steps = 6};
  options.directions = directions;
  const EquationAt whole = e.whole(1.4);  // a value between
  const double before = loss_of(whole, e.s(1.4)), by_network = loss_of(whole, tune(whole, e.s(1.4), options).s);
  BOOST_TEST(by_network < .65 * before);
  Tensor there = e.s(1.4).clone();
  for (std::int64_t i = 0; i < there.size(); ++i)
    for (std::int64_t j = 0; j < 4; ++j) there.mutable_data<double>()[i] += directions.at(4 * i + j);
  const auto off = [&](const ReducedEquation& few) {  // of residuals, in their norm
    EquationAt same = e.whole(1.4);
    same.points = few.points;
    const Tensor truth = linearized(same, there, directions).r,
                 found = linearized(few.at(e.pinn, {1.4}), there, directions).r;
    double square = 0;
    for (std::int64_t i = 0; i < truth.size(); ++i) square += std::pow(found.at(i) - truth.at(i), 2);
    return std::sqrt(square) / norm(truth);
  };
  for (const std::int64_t cluster : {1, 2}) {
    const ReducedEquation few = reduced(cluster, directions);
    const double error = off(few), unknowing = off(reduced(cluster, {}));
    BOOST_TEST_MESSAGE("cluster " << cluster << ": residuals off by " << error << ", without " << unknowing);
    BOOST_TEST(error < .6 * unknowing);
    const Tuned found = tune(few.at(e.pinn, {1.4}), e.s(1.4), options);
    BOOST_TEST_MESSAGE("loss " << before << ", " << by_network << ", " << loss_of(whole, found.s));
    BOOST_TEST(loss_of(whole, found.s) < .7 * before);
  }
}

BOOST_AUTO_TEST_CASE(same_bits_on_any_threads) {
  const Example e;
  const auto all = [&](int threads) {
    const ThreadLimit limit(threads);
    return Tensors{tune(e.whole(1.3), e.s(1.3), {.steps = 3}).s,
                   tune(e.reduced(6, 1).at(e.pinn, {1.3}), e.s(1.3), {.steps = 3}).s,
                   tune(e.reduced(6, 0).at(e.pinn, {1.3}), e.s(1.3), {.steps = 3}).s};
  };
  const Tensors one = all(1), two = all(2);
  for (std::size_t k = 0; k < one.size(); ++k) BOOST_TEST(same_bits(one[k], two[k]));
}

BOOST_AUTO_TEST_SUITE_END()
