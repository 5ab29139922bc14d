// Solutions that others are measured against, against solutions found otherwise.
#include <lowtide/linalg/error.h>
#include <lowtide/physics/allen_cahn.h>
#include <lowtide/physics/exact_burgers.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

using namespace lowtide;

namespace {

using Values = std::vector<double>;

// Differences of order four in space at n points of [-1,1), periodic, Runge and Kutta's method in time.
Values by_differences(const std::function<double(double u, double u_x, double u_xx)>& rate,
                      const std::function<double(double)>& initial, std::size_t n, double t,
                      std::size_t steps) {
  const double h = 2 / static_cast<double>(n), dt = t / static_cast<double>(steps);
  Values u(n), stage(n), sum(n), k(n);
  for (std::size_t i = 0; i < n; ++i) u[i] = initial(-1 + h * static_cast<double>(i));
  const auto differentiate = [&](const Values& v) {
    for (std::size_t i = 0; i < n; ++i) {
      const double a = v[(i + n - 2) % n], b = v[(i + n - 1) % n], c = v[(i + 1) % n], d = v[(i + 2) % n];
      k[i] =
          rate(v[i], (a - 8 * b + 8 * c - d) / (12 * h), (-a + 16 * b - 30 * v[i] + 16 * c - d) / (12 * h * h));
    }
  };
  for (std::size_t step = 0; step < steps; ++step) {
    sum = stage = u;
    for (const auto& [next, weight] : {std::pair{.5, 1. / 6}, {.5, 1. / 3}, {1., 1. / 3}, {0., 1. / 6}}) {
      differentiate(stage);
      for (std::size_t i = 0; i < n; ++i) {
        sum[i] += weight * dt * k[i];
        stage[i] = u[i] + next * dt * k[i];
      }
    }
    u = sum;
  }
  return u;
}

double largest_difference(const Values& u, const std::function<double(double)>& other) {
  double most = 0;
  for (std::size_t i = 0; i < u.size(); ++i)
    most =
        std::max(most, std::abs(u[i] - other(-1 + 2 * static_cast<double>(i) / static_cast<double>(u.size()))));
  return most;
}

double burgers_error(double nu, double t, std::size_t n, std::size_t steps) {
  const auto rate = [nu](double u, double u_x, double u_xx) { return nu * u_xx - u * u_x; };
  const Values u = by_differences(
      rate, [](double x) { return -std::sin(std::numbers::pi * x); }, n, t, steps);
  return largest_difference(u, [&](double x) { return burgers_of_sine(x, t, nu); });
}

double corner(double x) { return x * x * std::cos(std::numbers::pi * x); }

}  // namespace

BOOST_AUTO_TEST_SUITE(references)

BOOST_AUTO_TEST_CASE(hopf_and_cole_agree_with_differences) {
  BOOST_TEST(burgers_error(.05, .5, 200, 1000) < 5e-6);
  BOOST_TEST(burgers_error(.05, .5, 400, 4000) < 3.2e-7);
  BOOST_TEST(burgers_error(.01 / std::numbers::pi, .7, 2000, 5000) < 1e-3);  // the front is six points wide
  BOOST_TEST(burgers_error(.01 / std::numbers::pi, .2, 1000, 1000) < 1e-6);  // and not yet there
}

BOOST_AUTO_TEST_CASE(hopf_and_cole_begin_and_end_as_they_should) {
  const double nu = .01 / std::numbers::pi;
  for (const double x : {-1.0, -.7, -.2, 0.0, .3, 1.0}) {
    const double u0 = -std::sin(std::numbers::pi * x),
                 slope = -std::numbers::pi * std::cos(std::numbers::pi * x);
    BOOST_TEST(burgers_of_sine(x, 0, nu) == u0);
    // u = u0 + t (nu u0'' - u0 u0') + O(t^2)
    const double rate = -nu * std::numbers::pi * std::numbers::pi * u0 - u0 * slope;
    for (const double t : {1e-6, 1e-4, 1e-3})
      BOOST_TEST(std::abs(burgers_of_sine(x, t, nu) - u0 - t * rate) < 40 * t * t + 1e-14);
    BOOST_TEST(std::abs(burgers_of_sine(x, .6, nu) + burgers_of_sine(-x, .6, nu)) < 1e-13);  // odd
  }
  for (const double t : {.1, .5, 1.0}) BOOST_TEST(std::abs(burgers_of_sine(1, t, nu)) < 1e-13);
  // Much viscosity: a sine that decays.
  BOOST_TEST(std::abs(burgers_of_sine(.5, 1e-2, 100) + std::exp(-std::numbers::pi * std::numbers::pi)) < 1e-4);
}

// Steps of half the length: a sixteenth of the error.
BOOST_AUTO_TEST_CASE(allen_cahn_is_of_order_four) {
  const auto initial = [](double x) {
    return .5 * std::sin(std::numbers::pi * x) + .3 * std::cos(2 * std::numbers::pi * x);
  };
  const auto at = [&](std::int64_t steps) { return solve({1e-2, 5, 128, steps}, initial, {.5})[0]; };
  const PeriodicSeries fine = at(640);
  double errors[3];
  for (int k = 0; k < 3; ++k) {
    const PeriodicSeries u = at(20 << k);
    errors[k] = 0;
    for (int i = 0; i < 40; ++i)
      errors[k] = std::max(errors[k], std::abs(u(-1 + i / 20.) - fine(-1 + i / 20.)));
  }
  BOOST_TEST(errors[0] < 1e-3);
  for (int k = 0; k < 2; ++k) BOOST_TEST(std::abs(std::log2(errors[k] / errors[k + 1]) - 4) < .4);
}

BOOST_AUTO_TEST_CASE(allen_cahn_agrees_with_differences) {
  const auto rate = [](double u, double, double u_xx) { return 1e-4 * u_xx + 5 * (u - u * u * u); };
  for (const double t : {.2, 1.0}) {
    const PeriodicSeries u = solve({1e-4, 5, 2048, 1000}, corner, {t / 2, t})[1];
    const Values other = by_differences(rate, corner, 4000, t, 2000);
    BOOST_TEST(largest_difference(other, u) < 2e-5);
    // Half the modes and steps change nothing that matters.
    const PeriodicSeries coarse = solve({1e-4, 5, 1024, 500}, corner, {t})[0];
    BOOST_TEST(largest_difference(other, coarse) < 3e-5);
  }
}

// u' = 5 (u - u^3) without space: u = (1 + (1 / u0^2 - 1) exp(-10 t))^(-1/2).
BOOST_AUTO_TEST_CASE(allen_cahn_of_a_constant_is_known) {
  const auto u = solve({1e-4, 5, 2, 2000}, [](double) { return .3; }, {0, .3, 1});
  for (int k = 0; k < 3; ++k) {
    const double t = k == 0 ? 0 : k == 1 ? .3 : 1;
    BOOST_TEST(u[static_cast<std::size_t>(k)](.4) == 1 / std::sqrt(1 + (1 / .09 - 1) * std::exp(-10 * t)),
               boost::test_tools::tolerance(1e-11));
  }
  BOOST_CHECK_THROW(solve({1e-4, 5, 100, 10}, corner, {1}), Error);
  BOOST_CHECK_THROW(solve({1e-4, 5, 64, 10}, corner, {1, .5}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
