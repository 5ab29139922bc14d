// Burgers' equation with shocks: characteristics before them, mass and speed after.
#include <lowtide/physics/lax_hopf.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

using namespace lowtide;

namespace {

double hump(double x) {
  const double s = x > 0.1 && x < 0.5 ? std::sin(std::numbers::pi * (x - 0.1) / 0.4) : 0;
  return s * s;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lax_hopf_suite)

BOOST_AUTO_TEST_CASE(along_characteristics) {
  const LaxHopf u(hump, 0.1, 0.5);
  for (const double t : {0.0, 0.05, 0.12})
    for (double y = 0.02; y < 1; y += 0.07) BOOST_TEST(std::abs(u(y + t * hump(y), t) - hump(y)) <= 1e-9);
  // Left of the crest they never meet.
  for (double y = 0.12; y < 0.3; y += 0.02)
    if (y + 0.8 * hump(y) < 0.6) BOOST_TEST(std::abs(u(y + 0.8 * hump(y), 0.8) - hump(y)) <= 1e-9);
}

// The integral stays 0.2; one jump down, of Rankine's and Hugoniot's speed: half of what is left of it.
BOOST_AUTO_TEST_CASE(shock) {
  const LaxHopf u(hump, 0.1, 0.5);
  const auto shock_at = [&](double t) {
    double left = 0.3, right = 0.95;
    for (int i = 0; i < 60; ++i) {
      const double x = (left + right) / 2;
      (u(x, t) > 0.1 ? left : right) = x;
    }
    return left;
  };
  for (const double t : {0.4, 0.8}) {
    double mass = 0;
    constexpr int n = 20000;
    for (int i = 0; i < n; ++i) mass += u((i + 0.5) / n, t) / n;
    BOOST_TEST(mass == 0.2, boost::test_tools::tolerance(3e-4));
    const double x = shock_at(t), speed = (shock_at(t + 1e-3) - shock_at(t - 1e-3)) / 2e-3;
    BOOST_TEST(u(x + 1e-3, t) <= 1e-12);
    BOOST_TEST(u(x - 1e-6, t) > 0.5);
    BOOST_TEST(speed == u(x - 1e-6, t) / 2, boost::test_tools::tolerance(1e-3));
  }
  BOOST_TEST(u(0.05, 0.5) == 0);
  BOOST_TEST(u(0.9, 0.5) == 0);
}

// Not only humps: a wave of both signs stays between its bounds, and rarefies where it rises.
BOOST_AUTO_TEST_CASE(both_signs) {
  const LaxHopf u([](double x) { return std::abs(x) < 1 ? -std::sin(std::numbers::pi * x) : 0; }, -1, 1);
  for (const double t : {0.2, 1.0, 3.0}) {
    BOOST_TEST(std::abs(u(0.3, t) + u(-0.3, t)) <= 1e-9);
    BOOST_TEST(u(-1e-4, t) >= -1e-9);
    BOOST_TEST(std::abs(u(0.7, t)) <= 1);
  }
  BOOST_TEST(u(-1e-4, 1.0) > 0.5);  // a shock that stands
}

BOOST_AUTO_TEST_SUITE_END()
