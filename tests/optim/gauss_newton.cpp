// Least squares with damping.
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/random.h>
#include <lowtide/optim/gauss_newton.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>

using namespace lowtide;

namespace {

// Residuals and their Jacobian, of one tensor.
struct LeastSquares {
  std::function<Var(const Var&)> residuals;

  Tensor at(const Tensors& theta) const {
    return value([&](const Vars& p) { return residuals(p[0]); }, theta);
  }
  Tensor jacobian(const Tensors& theta) const {
    const Linearization here([&](const Vars& p) { return residuals(p[0]); }, theta);
    const std::int64_t m = here.value().size(), p = theta[0].size();
    Tensor J({m, p}, Dtype::f64);
    for (std::int64_t i = 0; i < m; ++i) {
      Tensor unit = zeros({m}, Dtype::f64);
      unit.mutable_data<double>()[i] = 1;
      const Tensor row = here.pull(unit)[0];
      for (std::int64_t k = 0; k < p; ++k) J.mutable_data<double>()[i * p + k] = row.at(k);
    }
    return J;
  }
  double run(Tensors& theta, GaussNewton& method, int steps) const {
    for (int k = 0; k < steps; ++k)
      method.step(theta, jacobian(theta), at(theta), [&](const Tensors& there) { return at(there); });
    return norm(at(theta));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(gauss_newton)

BOOST_AUTO_TEST_CASE(gram_is_the_product) {
  const Tensor a = Stream(1, "a").normal({300, 270}, Dtype::f64);
  for (const bool transposed : {false, true}) {
    const Tensor g = gram(a, transposed), expected = multiply(a, a, transposed ? Trans::yes : Trans::no,
                                                              transposed ? Trans::no : Trans::yes);
    BOOST_TEST((g.shape == expected.shape));
    double worst = 0;
    for (std::int64_t i = 0; i < g.size(); ++i) worst = std::max(worst, std::abs(g.at(i) - expected.at(i)));
    BOOST_TEST(worst < 1e-11);
  }
}

// Rosenbrock's valley as residuals (10 (y - x^2), 1 - x).
BOOST_AUTO_TEST_CASE(it_goes_down_a_valley) {
  const LeastSquares valley{[](const Var& p) {
    const Var x = slice(p, 0, 0, 1), y = slice(p, 0, 1, 2);
    return concatenate({10.0 * (y - square(x)), 1.0 - x}, 0);
  }};
  Tensors theta = {from({2}, {-1.2, 1.0})};
  GaussNewton method;
  int steps = 0;
  while (steps < 60 && valley.run(theta, method, 1) > 1e-12) ++steps;
  BOOST_TEST(steps < 60);
  BOOST_TEST(theta[0].at(0) == 1, boost::test_tools::tolerance(1e-10));
  BOOST_TEST(method.damping < 1e-4);  // J was right, in the end
}

// Linear residuals, more of them than parameters and fewer: solved at once if there is hardly any damping.
BOOST_AUTO_TEST_CASE(both_shapes_of_a_linear_problem) {
  for (const std::int64_t m : {3, 9}) {
    const Tensor A = Stream(2, "A").normal({m, 5}, Dtype::f64), b = Stream(3, "b").normal({m, 1}, Dtype::f64);
    const LeastSquares linear{[&](const Var& p) {
      return reshape(matmul(Var(A), reshape(p, {5, 1})) - Var(b), {m});
    }};
    Tensors theta = {zeros({5}, Dtype::f64)};
    GaussNewton method{.damping = 1e-12};
    linear.run(theta, method, 1);
    const Tensor r = linear.at(theta), gradient = multiply(A, r, Trans::yes);
    BOOST_TEST(norm(gradient) < 1e-8);
    if (m == 3) BOOST_TEST(norm(r) < 1e-8);
  }
}

// Where the linear model is of no use, theta stays and the damping rises.
BOOST_AUTO_TEST_CASE(no_step_is_better_than_a_bad_one) {
  Tensors theta = {from({1}, {1.0})};
  const Tensor J = from({1, 1}, {1.0}), r = from({1}, {1.0});
  GaussNewton method;
  const double before = method.damping;
  BOOST_TEST(!method.step(theta, J, r, [&](const Tensors&) { return from({1}, {2.0}); }));
  BOOST_TEST(!method.step(theta, J, r, [&](const Tensors&) { return from({1}, {std::nan("")}); }));
  BOOST_TEST(theta[0].at(0) == 1);
  BOOST_TEST(method.damping > 100 * before);
}

BOOST_AUTO_TEST_SUITE_END()
