// Embedded Runge-Kutta methods: orders by Richardson's rule, and what a step keeps.
#include <lowtide/linalg/error.h>
#include <lowtide/physics/embedded_rk.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(embedded_rk_suite)

// A pendulum whose friction depends on time.
const auto rate = [](double t, const Tensor& y) {
  return from({2}, {y.at(1), -9 * std::sin(y.at(0)) - std::cos(3 * t) * y.at(1)});
};

double distance(const Tensor& a, const Tensor& b) { return std::hypot(a.at(0) - b.at(0), a.at(1) - b.at(1)); }

Tensor end(const Tableau& method, int steps) {
  Tensor y = from({2}, {1, 0.5}), first = rate(0, y);
  for (int i = 0; i < steps; ++i) {
    RkStep step = rk_step(method, rate, 2.0 * i / steps, y, 2.0 / steps, first);
    y = step.y;
    first = step.last;
  }
  return y;
}

BOOST_AUTO_TEST_CASE(order_of_convergence) {
  for (const Tableau* method : {&bogacki_shampine(), &dormand_prince()}) {
    const int n = 80;
    const Tensor a = end(*method, n), b = end(*method, 2 * n), c = end(*method, 4 * n);
    BOOST_TEST(std::log2(distance(a, b) / distance(b, c)) == method->order, boost::test_tools::tolerance(0.05));
  }
}

// The estimate is the difference to a method of one order less: of one step it falls with h^order.
BOOST_AUTO_TEST_CASE(order_of_the_estimate) {
  for (const Tableau* method : {&bogacki_shampine(), &dormand_prince()}) {
    const Tensor y = from({2}, {1, 0.5}), first = rate(0, y);
    const auto size = [&](double h) {
      const Tensor e = rk_step(*method, rate, 0, y, h, first).error;
      return std::hypot(e.at(0), e.at(1));
    };
    BOOST_TEST(std::log2(size(0.05) / size(0.025)) == method->order, boost::test_tools::tolerance(0.08));
  }
}

BOOST_AUTO_TEST_CASE(coefficients_are_consistent) {
  for (const Tableau* method : {&bogacki_shampine(), &dormand_prince()}) {
    double weights = 0, errors = 0;
    for (std::size_t i = 0; i < method->c.size(); ++i) {
      double row = 0;
      for (const double a : method->a[i]) row += a;
      BOOST_TEST(std::abs(row - method->c[i]) <= 1e-14);
      weights += method->b[i];
      errors += method->e[i];
    }
    BOOST_TEST(std::abs(weights - 1) <= 1e-14);
    BOOST_TEST(std::abs(errors) <= 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(last_stage_is_the_first_of_the_next) {
  for (const Tableau* method : {&bogacki_shampine(), &dormand_prince()}) {
    int calls = 0;
    const Tensor y = from({2}, {1, 0.5});
    const RkStep step = rk_step(
        *method,
        [&](double t, const Tensor& at) {
          ++calls;
          return rate(t, at);
        },
        0.3, y, 0.1, rate(0.3, y));
    BOOST_TEST(calls == method->stages() - 1);
    BOOST_TEST(same_bits(step.last, rate(0.4, step.y)));
  }
}

BOOST_AUTO_TEST_CASE(a_stage_that_fails_takes_the_step_down) {
  const Tensor y = from({2}, {1, 0.5});
  const auto failing = [](double, const Tensor&) -> Tensor { fail<SolverError>("stage", "does not converge"); };
  BOOST_CHECK_THROW(rk_step(dormand_prince(), failing, 0, y, 0.1, y), SolverError);
  BOOST_CHECK_THROW(tableau_named("rk4"), Error);
}

BOOST_AUTO_TEST_CASE(lengths_follow_the_error) {
  const StepControl control;
  BOOST_TEST(control.factor(1, 3) == 0.9);
  BOOST_TEST(control.factor(8, 3) == 0.45, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(control.factor(1e9, 3) == control.least);
  BOOST_TEST(control.factor(std::nan(""), 3) == control.least);
  BOOST_TEST(control.factor(0, 3) == control.most);
}

BOOST_AUTO_TEST_SUITE_END()
