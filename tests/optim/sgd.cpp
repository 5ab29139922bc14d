#include <lowtide/optim/sgd.h>

#include <cmath>

#include "optimizers.h"

using namespace lowtide;
using boost::test_tools::tolerance;

BOOST_AUTO_TEST_CASE(sgd_is_its_formula) {
  for (const bool nesterov : {false, true}) {
    Stream stream(1, "sgd");
    Tensors theta = {stream.normal({4}, Dtype::f64)};
    Sgd sgd{.lr = .03, .momentum = .9, .nesterov = nesterov, .weight_decay = .2};
    std::vector<double> p = to_vector(theta[0]), m(4, 0.0);
    for (int step = 0; step < 10; ++step) {
      const Tensor g = stream.normal({4}, Dtype::f64);
      sgd.step(theta, {g});
      for (std::size_t i = 0; i < 4; ++i) {
        const double gi = g.data<double>()[i];
        m[i] = .9 * m[i] + gi;
        p[i] -= .03 * (.2 * p[i] + (nesterov ? gi + .9 * m[i] : m[i]));
        BOOST_TEST(theta[0].data<double>()[i] == p[i], tolerance(1e-12));
      }
    }
  }
}

// On x^2/2 + 100 y^2/2 with the best constants the error falls by the root of what it does without momentum.
BOOST_AUTO_TEST_CASE(momentum_shortens_a_narrow_valley) {
  const auto f = [](const Vars& x) { return .5 * sum(square(x[0]) * Var(from({2}, {1, 100}))); };
  const auto error = [&](Sgd sgd) {
    Tensors theta = {from({2}, {1, 1})};
    for (int step = 0; step < 100; ++step) sgd.step(theta, value_and_grad(f, theta).gradient);
    return std::hypot(theta[0].at(0), theta[0].at(1));
  };
  BOOST_TEST(error({.lr = 2 / 101.0}) == std::sqrt(2) * std::pow(99 / 101.0, 100), tolerance(1e-6));
  BOOST_TEST(error({.lr = std::pow(2 / 11.0, 2), .momentum = std::pow(9 / 11.0, 2)}) < 1e-6);
  BOOST_TEST(error({.lr = .01, .momentum = std::pow(9 / 11.0, 1), .nesterov = true}) < 1e-3);
}

BOOST_AUTO_TEST_CASE(sgd_obeys_the_rules) {
  testing::obeys_the_rules(Sgd{.momentum = .9, .nesterov = true}, {{4, 3}, {}, {17}});
}
