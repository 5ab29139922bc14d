// Exact waves from a Gaussian, and the Gaussian as a mean of plane profiles.
#include <lowtide/linalg/tensor.h>
#include <lowtide/physics/radial_wave.h>
#include <lowtide/physics/ridges.h>
#include <lowtide/physics/sine_series.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

using namespace lowtide;

namespace {

// The mean over |w| = 1 of f(w . x) at |x| = r: the trapezoidal rule on the circle, Simpson's along the axis.
double mean_over_directions(int dims, double r, const std::function<double(double)>& f) {
  if (dims == 1) return (f(r) + f(-r)) / 2;
  double sum = 0;
  constexpr int n = 600;
  if (dims == 2) {
    for (int i = 0; i < n; ++i) sum += f(r * std::cos(2 * std::numbers::pi * i / n)) / n;
    return sum;
  }
  for (int i = 0; i <= n; ++i)
    sum += f(r * (2.0 * i / n - 1)) * (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2) / (3.0 * n);
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(radial_wave_suite)

// Before the wave comes to the walls, a series of sines that knows of them says the same.
BOOST_AUTO_TEST_CASE(as_the_series_of_sines) {
  for (const int dims : {1, 2, 3}) {
    const RadialWave wave{.dims = dims, .deviation = 0.12, .velocity = 0, .speed = 0.8};
    const double t = 0.3;
    const auto g = [&](double x) { return std::exp(-x * x / (2 * wave.deviation * wave.deviation)); };
    const SineWave series(sine_series(g, modes_of_gaussian(wave.deviation)), dims, 1, wave.speed, t);
    for (const double share : {0.0, 0.1, 0.31}) {
      const double x[3] = {share, dims > 1 ? 0.07 : 0, dims > 2 ? -0.11 : 0};
      double u = 0, u_t = 0;
      series(x, u, u_t);
      const RadialValue found = radial_wave(wave, std::hypot(x[0], x[1], x[2]), t);
      BOOST_TEST(std::abs(found.u - u) <= 1e-7);
      BOOST_TEST(std::abs(found.u_t - u_t) <= 1e-6);
    }
  }
}

// What starts with the velocity f has the time derivative that starts as f; slopes are those of the values.
BOOST_AUTO_TEST_CASE(velocity_and_slopes) {
  for (const int dims : {1, 2, 3}) {
    RadialWave rest{.dims = dims, .deviation = 0.25, .velocity = 0, .speed = 1.7}, moving = rest;
    moving.velocity = 2.5;
    for (const double t : {0.0, 0.35, 0.9})
      for (const double r : {1e-7, 0.2, 0.77}) {
        const RadialValue a = radial_wave(rest, r, t), b = radial_wave(moving, r, t);
        BOOST_TEST(std::abs((b.u_t - a.u_t) - 2.5 * a.u) <= 1e-6);
        if (t == 0) {
          BOOST_TEST(std::abs(a.u - std::exp(-r * r / 0.125)) <= 1e-8);
          BOOST_TEST(std::abs(a.u_t) <= 1e-12);
          BOOST_TEST(std::abs(b.u - a.u) <= 1e-12);
        }
        if (r < 0.1) continue;
        const double h = 1e-5;
        BOOST_TEST(std::abs((radial_wave(moving, r + h, t).u - radial_wave(moving, r - h, t).u) / (2 * h) -
                            b.u_r) <= 1e-5);
        BOOST_TEST(std::abs((radial_wave(moving, r, t + h).u - radial_wave(moving, r, t - h).u) / (2 * h) -
                            b.u_t) <= 1e-5);
      }
  }
}

BOOST_AUTO_TEST_CASE(dawsons_integral) {
  const auto near = boost::test_tools::tolerance(1e-13);
  BOOST_TEST(dawson(0.5) == 0.4244363835020223, near);
  BOOST_TEST(dawson(1) == 0.5380795069127684, near);
  BOOST_TEST(dawson(2) == 0.3013403889237920, near);
  BOOST_TEST(dawson(-2) == -0.3013403889237920, near);
  BOOST_TEST(dawson(10) == 0.05025384718759853, near);
  BOOST_TEST(std::abs(dawson(0)) <= 1e-15);
}

// The profile's mean over directions is the Gaussian; moved by d'Alembert's formula it is the wave.
BOOST_AUTO_TEST_CASE(profiles) {
  for (const int dims : {1, 2, 3}) {
    const RadialWave wave{.dims = dims, .deviation = 0.3, .velocity = 1.5, .speed = 1.2};
    const PlaneProfile g = gaussian_profile(dims, wave.deviation),
                       v = gaussian_profile(dims, wave.deviation, 1.5);
    for (const double s : {-1.3, -0.2, 0.0, 0.4, 2.0})
      BOOST_TEST(std::abs((g.value(s + 1e-5) - g.value(s - 1e-5)) / 2e-5 - g.slope(s)) <= 1e-7);
    for (const double r : {0.0, 0.15, 0.6, 1.4}) {
      BOOST_TEST(std::abs(mean_over_directions(dims, r, g.value) - std::exp(-r * r / 0.18)) <= 1e-8);
      const double c = wave.speed, t = 0.5;
      const auto moved = [&](double s) {
        double area = 0;  // of v over [s - ct, s + ct]
        constexpr int n = 400;
        for (int i = 0; i <= n; ++i)
          area += v.value(s + c * t * (2.0 * i / n - 1)) * (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2);
        area *= 2 * c * t / (3.0 * n);
        return (g.value(s + c * t) + g.value(s - c * t)) / 2 + area / (2 * c);
      };
      BOOST_TEST(std::abs(mean_over_directions(dims, r, moved) - radial_wave(wave, r, t).u) <= 1e-7);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
