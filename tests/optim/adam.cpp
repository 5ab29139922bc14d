#define BOOST_TEST_MODULE optim
#include <lowtide/autodiff.h>
#include <lowtide/linalg/random.h>
#include <lowtide/optim/adam.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "optimizers.h"

using namespace lowtide;

// The algorithm as printed in the paper, one number at a time.
BOOST_AUTO_TEST_CASE(adam_is_the_published_one) {
  Stream stream(1, "adam");
  Tensors theta = {stream.uniform({5}, Dtype::f64, -1, 1)};
  Adam adam{.lr = 0.01, .weight_decay = 0.1};
  std::vector<double> p = to_vector(theta[0]), m(5, 0.0), v(5, 0.0);
  for (int step = 1; step <= 20; ++step) {
    const Tensor g = stream.normal({5}, Dtype::f64);
    adam.step(theta, {g});
    for (std::size_t i = 0; i < 5; ++i) {
      const double gi = g.data<double>()[i];
      m[i] = 0.9 * m[i] + 0.1 * gi;
      v[i] = 0.999 * v[i] + 0.001 * gi * gi;
      const double m_hat = m[i] / (1 - std::pow(0.9, step)), v_hat = v[i] / (1 - std::pow(0.999, step));
      p[i] -= 0.01 * 0.1 * p[i] + 0.01 * m_hat / (std::sqrt(v_hat) + 1e-8);
      BOOST_TEST(theta[0].data<double>()[i] == p[i], boost::test_tools::tolerance(1e-12));
    }
  }
}

BOOST_AUTO_TEST_CASE(adam_finds_the_minimum_of_a_bowl) {
  Tensors theta = {from({2}, {3, -2})};
  Adam adam{.lr = 0.05};
  for (int step = 0; step < 2000; ++step) {
    adam.lr = 0.05 * (1 - step / 2000.0);
    adam.step(theta, value_and_grad([](const Vars& x) { return sum(square(x[0] - 1.0)); }, theta).gradient);
  }
  BOOST_TEST(std::abs(theta[0].at(0) - 1) < 1e-4);
  BOOST_TEST(std::abs(theta[0].at(1) - 1) < 1e-4);
}

BOOST_AUTO_TEST_CASE(adam_refuses_gradients_that_do_not_fit) {
  Adam adam;
  Tensors theta = {zeros({2}, Dtype::f64)};
  BOOST_CHECK_THROW(adam.step(theta, {}), ShapeError);
  BOOST_CHECK_THROW(adam.step(theta, {zeros({3}, Dtype::f64)}), ShapeError);
  BOOST_CHECK_THROW(adam.step(theta, {zeros({2}, Dtype::f32)}), ShapeError);
}

BOOST_AUTO_TEST_CASE(adam_obeys_the_rules) {
  testing::obeys_the_rules(Adam{.weight_decay = .01}, {{4, 3}, {}, {0}, {17}});
}
