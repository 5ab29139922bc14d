#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/models/mlp.h>
#include <lowtide/optim/lbfgs.h>

#include <cmath>

#include "optimizers.h"

using namespace lowtide;
using boost::test_tools::tolerance;

namespace {

// 100 (y - x^2)^2 + (1 - x)^2, in two tensors.
const auto rosenbrock = [](const Vars& p) {
  return sum(100.0 * square(p[1] - square(p[0]))) + sum(square(1.0 - p[0]));
};
const auto of_rosenbrock = [](const Tensors& x) { return value_and_grad(rosenbrock, x); };
Tensors usual_start(Dtype dtype = Dtype::f64) { return {from({1}, {-1.2}, dtype), from({1}, {1}, dtype)}; }

}  // namespace

// H <- (I - rho s yT) H (I - rho y sT) + rho s sT from H0 = (s y) / (y y), with whole matrices.
BOOST_AUTO_TEST_CASE(two_loops_are_the_bfgs_formula) {
  Stream stream(1, "lbfgs");
  const std::int64_t n = 6;
  const Tensor a = stream.normal({n, n}, Dtype::f64), spd = multiply(a, a, Trans::no, Trans::yes);
  Lbfgs lbfgs;
  for (int pairs = 0; pairs < 4; ++pairs) {
    Tensor h = eye(n, Dtype::f64);
    if (pairs > 0)
      for (double& x : h.mutable_view<double>())
        x *= dot(lbfgs.s.back(), lbfgs.y.back()) / dot(lbfgs.y.back(), lbfgs.y.back());
    for (std::size_t k = 0; k < lbfgs.s.size(); ++k) {
      const double rho = 1 / dot(lbfgs.s[k], lbfgs.y[k]);
      Tensor left = eye(n, Dtype::f64);
      for (std::int64_t i = 0; i < n * n; ++i)
        left.mutable_data<double>()[i] -= rho * lbfgs.s[k].at(i / n) * lbfgs.y[k].at(i % n);
      h = multiply(multiply(left, h), left, Trans::no, Trans::yes);
      for (std::int64_t i = 0; i < n * n; ++i)
        h.mutable_data<double>()[i] += rho * lbfgs.s[k].at(i / n) * lbfgs.s[k].at(i % n);
    }
    const Tensor g = stream.normal({n}, Dtype::f64), expected = multiply(h, g), got = lbfgs.direction(g);
    for (std::int64_t i = 0; i < n; ++i)
      BOOST_TEST(std::abs(got.at(i) + expected.at(i)) < 1e-10 * norm(expected));
    lbfgs.s.push_back(stream.normal({n}, Dtype::f64));
    lbfgs.y.push_back(multiply(spd, lbfgs.s.back()));
  }
}

BOOST_AUTO_TEST_CASE(lbfgs_finds_the_end_of_the_banana) {
  Tensors theta = usual_start();
  Lbfgs lbfgs;
  BOOST_TEST((lbfgs.minimize(theta, of_rosenbrock) == LbfgsStop::gradient));
  BOOST_TEST(text_of(lbfgs.stop) == "the gradient is small enough");
  BOOST_TEST(std::abs(theta[0].at(0) - 1) < 1e-8);
  BOOST_TEST(std::abs(theta[1].at(0) - 1) < 1e-8);
  BOOST_TEST(lbfgs.value < 1e-17);
  BOOST_TEST(lbfgs.evaluations < 60);
  BOOST_TEST(lbfgs.iterations < 45);
  theta = usual_start(Dtype::f32);
  Lbfgs single{.gradient_tolerance = 1e-4};
  single.minimize(theta, of_rosenbrock);
  BOOST_TEST(std::abs(theta[0].at(0) - 1) < 1e-3);
}

BOOST_AUTO_TEST_CASE(lbfgs_solves_quadratic_problems) {
  Stream stream(2, "lbfgs");
  const Tensor q = qr(stream.normal({30, 30}, Dtype::f64)).q, goal = stream.normal({30}, Dtype::f64);
  Tensor a = q;
  for (std::int64_t i = 0; i < 900; ++i)
    a.mutable_data<double>()[i] *= std::pow(10.0, static_cast<double>(i / 30) / 29);
  const auto f = [&](const Tensors& x) {
    return value_and_grad(
        [&](const Vars& p) {
          return sum(square(matmul(Var(a), reshape(p[0] - Var(goal), {30, 1}))));
        },
        x);
  };
  Tensors theta = {zeros({30}, Dtype::f64)};
  Lbfgs lbfgs;
  BOOST_TEST((lbfgs.minimize(theta, f) == LbfgsStop::gradient));
  for (std::int64_t i = 0; i < 30; ++i) BOOST_TEST(std::abs(theta[0].at(i) - goal.at(i)) < 1e-7);
  BOOST_TEST(lbfgs.evaluations < 150);
  BOOST_TEST(lbfgs.s.size() == 10);
}

// Both conditions hold at each accepted point: along the way of the banana, one iteration at a time.
BOOST_AUTO_TEST_CASE(accepted_points_obey_strong_wolfe) {
  for (const double c2 : {.9, .1}) {
    Tensors theta = usual_start();
    Lbfgs lbfgs{.max_iterations = 1, .c2 = c2};
    for (int k = 0; k < 25; ++k) {
      const auto before = of_rosenbrock(theta);
      const Tensor from = flatten(theta);
      if (lbfgs.minimize(theta, of_rosenbrock) != LbfgsStop::iterations) break;
      const auto after = of_rosenbrock(theta);
      Tensor step = flatten(theta);
      blas::axpy<double>(2, -1, from.data<double>(), step.mutable_data<double>());
      const double old_slope = dot(flatten(before.gradient), step), slope = dot(flatten(after.gradient), step);
      BOOST_TEST(after.value <= before.value + 1e-4 * old_slope);
      BOOST_TEST(std::abs(slope) <= c2 * std::abs(old_slope) * (1 + 1e-9));
      BOOST_TEST(lbfgs.value == after.value);
    }
    BOOST_TEST(lbfgs.iterations >= 15);
  }
}

BOOST_AUTO_TEST_CASE(every_reason_to_stop_is_reached) {
  const auto run = [](Lbfgs lbfgs, Lbfgs::Objective f = of_rosenbrock) {
    Tensors theta = usual_start();
    const double before = f(theta).value;
    lbfgs.minimize(theta, f);
    BOOST_TEST(lbfgs.value <= before);
    BOOST_TEST(lbfgs.value == f(theta).value);  // theta is where the value was found
    BOOST_TEST(text_of(lbfgs.stop) != text_of(LbfgsStop::none));
    return lbfgs;
  };
  BOOST_TEST((run({}).stop == LbfgsStop::gradient));
  BOOST_TEST((run({.gradient_tolerance = 1e9}).iterations == 0));
  BOOST_TEST((run({.gradient_tolerance = 0, .value_tolerance = .5}).stop == LbfgsStop::value));
  const Lbfgs iterations = run({.max_iterations = 3});
  BOOST_TEST((iterations.stop == LbfgsStop::iterations));
  BOOST_TEST(iterations.iterations == 3);
  for (const std::int64_t most : {1, 2, 3, 7}) {
    const Lbfgs evaluations = run({.max_evaluations = most});
    BOOST_TEST((evaluations.stop == LbfgsStop::evaluations));
    BOOST_TEST(evaluations.evaluations == most);
  }
  const Lbfgs wrong = run({}, [](const Tensors& x) {  // uphill
    auto [value, gradient] = of_rosenbrock(x);
    for (Tensor& g : gradient) g.mutable_data<double>()[0] *= -1;
    return ValueAndGradient{value, gradient};
  });
  BOOST_TEST((wrong.stop == LbfgsStop::line_search));
  BOOST_TEST(wrong.iterations == 0);
}

// log is not finite for the long steps.
BOOST_AUTO_TEST_CASE(steps_that_leave_the_domain_are_shortened) {
  Tensors theta = {from({2}, {.01, 5})};
  Lbfgs lbfgs;
  lbfgs.minimize(theta, [](const Tensors& x) {
    return value_and_grad([](const Vars& p) { return sum(p[0] - log(p[0])); }, x);
  });
  BOOST_TEST((lbfgs.stop == LbfgsStop::gradient));
  for (const double x : to_vector(theta[0])) BOOST_TEST(x == 1, tolerance(1e-7));
}

BOOST_AUTO_TEST_CASE(a_start_that_is_not_finite_is_refused) {
  Tensors theta = {from({1}, {2}), from({2}, {-1, 3})};
  const Tensors before = theta;
  Lbfgs lbfgs;
  BOOST_CHECK_THROW(lbfgs.minimize(theta,
                                   [](const Tensors& x) {
                                     return value_and_grad(
                                         [](const Vars& p) { return sum(log(p[1])) + sum(p[0]); }, x);
                                   }),
                    NonFiniteError);
  BOOST_CHECK_EXCEPTION(lbfgs.minimize(theta,
                                       [](const Tensors& x) {
                                         return ValueAndGradient{0, {x[0], from({2}, {1, NAN})}};
                                       }),
                        NonFiniteError, [](const Error& e) {
                          return std::string(e.what()).find("element 1 of gradient 1") != std::string::npos;
                        });
  BOOST_CHECK_THROW(lbfgs.minimize(theta,
                                   [](const Tensors& x) {
                                     return ValueAndGradient{NAN, x};
                                   }),
                    NonFiniteError);
  BOOST_TEST(testing::same_bits(theta, before));
  Lbfgs other;
  Tensors two = usual_start();
  other.max_iterations = 2;
  other.minimize(two, of_rosenbrock);
  BOOST_CHECK_THROW(other.minimize(theta, [](const Tensors& x) { return ValueAndGradient{1, x}; }), ShapeError);
}

BOOST_AUTO_TEST_CASE(lbfgs_has_the_same_bits_on_any_number_of_threads_and_after_a_stop) {
  const Mlp net{{1, 8, 1}};
  const Tensors start = net.init(Stream(1, "init"));
  const Tensor x = linspace(-1, 1, 3000, Dtype::f32).reshaped({3000, 1});
  const auto f = [&](const Tensors& p) {
    return value_and_grad(
        [&](const Vars& v) {
          return sum_over_tiles(Tiles{3000, 200}, v, [=](const Vars& q, const Tile& tile) {
            const Var points(tile.rows(x));
            return sum(square(net(q, points) - sin(3.0 * points))) * (1 / 3000.0);
          });
        },
        p);
  };
  Tensors first;
  for (const int threads : {1, 2, 4}) {
    const ThreadLimit limit(threads);
    Tensors theta = start;
    Lbfgs lbfgs{.max_iterations = 20};
    lbfgs.minimize(theta, f);
    BOOST_TEST(lbfgs.iterations == 20);
    if (threads == 1) first = theta;
    BOOST_TEST(testing::same_bits(theta, first));
  }
  Tensors theta = start;
  Lbfgs before{.max_iterations = 13}, after{.max_iterations = 7};
  before.minimize(theta, f);
  testing::restore(after, testing::save(before));
  after.minimize(theta, f);
  BOOST_TEST(testing::same_bits(theta, first));
  BOOST_TEST(after.iterations == 20);
}
