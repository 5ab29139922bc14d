// Reference solutions against what is independent of them.
#include <lowtide/linalg/error.h>
#include <lowtide/physics/characteristics.h>
#include <lowtide/physics/drift_diffusion.h>
#include <lowtide/physics/sine_series.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(exact_solutions)

double bump(double x, double s = 0.1) { return std::exp(-x * x / (2 * s * s)); }

const SineSeries& series() {
  static const SineSeries made = sine_series([](double x) { return bump(x); }, 100);
  return made;
}

BOOST_AUTO_TEST_CASE(a_series_is_its_function) {
  for (const double x : {-0.95, -0.2, 0.0, 0.13, 0.5}) BOOST_TEST(std::abs(series()(x) - bump(x)) <= 1e-11);
  const SineSeries one = sine_series([](double x) { return std::sin(std::numbers::pi * (x + 1)); }, 10);
  BOOST_REQUIRE(one.coefficient.size() == 1u);
  BOOST_TEST(one.coefficient[0] == 1.0, boost::test_tools::tolerance(1e-10));
  BOOST_TEST(one.diffused(0.5, 0.3, 2) == std::exp(-0.6 * std::pow(std::numbers::pi, 2)) * one(0.5),
             boost::test_tools::tolerance(1e-10));
}

// Before the walls are felt, heat is a Gaussian that widens; at the walls it is zero ever after.
BOOST_AUTO_TEST_CASE(heat_is_a_gaussian_that_widens) {
  const double diffusion = 0.05, t = 0.2, square = 0.01 + 2 * diffusion * t;
  for (const double x : {-0.3, 0.0, 0.2})
    BOOST_TEST(series().diffused(x, diffusion, t) == 0.1 / std::sqrt(square) * bump(x, std::sqrt(square)),
               boost::test_tools::tolerance(1e-6));
  BOOST_TEST(std::abs(series().diffused(1, diffusion, 3)) <= 1e-14);
  BOOST_TEST(series().diffused(0.9, diffusion, 3) > 1e-3);
}

// D'Alembert's solution with odd images behind the walls.
BOOST_AUTO_TEST_CASE(waves_in_one_dimension) {
  const auto image = [](double x) {  // of the bump, odd about -1 and 1, of period 4
    double sum = 0;
    for (int k = -3; k <= 3; ++k) sum += bump(x - 4 * k) - bump(x - 4 * k - 2);
    return sum;
  };
  for (const double t : {0.0, 0.7, 1.9, 3.1}) {
    const SineWave wave(series(), 1, 2.0, 0.5, t);
    for (const double x : {-0.8, -0.1, 0.35, 0.93}) {
      double u = 0, u_t = 0;
      wave(&x, u, u_t);
      BOOST_TEST(std::abs(u - (image(x - 0.5 * t) + image(x + 0.5 * t))) <= 1e-10);
      const double h = 1e-4, later = image(x - 0.5 * (t + h)) + image(x + 0.5 * (t + h)),
                   sooner = image(x - 0.5 * (t - h)) + image(x + 0.5 * (t - h));
      BOOST_TEST(std::abs(u_t - (later - sooner) / (2 * h)) <= 1e-5);
    }
  }
}

// In three dimensions r u solves the wave equation in one, until the walls are felt.
BOOST_AUTO_TEST_CASE(waves_in_three_dimensions) {
  const double c = 1.2, t = 0.3;
  const SineWave wave(series(), 3, 1.0, c, t);
  const std::array<std::array<double, 3>, 3> points{{{0.1, 0.2, -0.25}, {0.02, 0.01, 0.0}, {-0.3, 0.1, 0.15}}};
  for (const auto& x : points) {
    const double r = std::hypot(x[0], x[1], x[2]);
    const auto moved = [&](double s) {
      return ((r - c * s) * bump(r - c * s) + (r + c * s) * bump(r + c * s)) / (2 * r);
    };
    double u = 0, u_t = 0;
    wave(x.data(), u, u_t);
    BOOST_TEST(std::abs(u - moved(t)) <= 1e-10);
    BOOST_TEST(std::abs(u_t - (moved(t + 1e-4) - moved(t - 1e-4)) / 2e-4) <= 1e-5);
  }
  BOOST_CHECK_THROW(SineWave(series(), 4, 1, 1, 0), Error);
}

// In two dimensions: the series solves the equation by differences, and starts as it should.
BOOST_AUTO_TEST_CASE(waves_in_two_dimensions) {
  const double t = 0.9, h = 2e-3;
  const auto at = [](double x, double y, double time) {
    double u = 0, u_t = 0;
    const double point[2] = {x, y};
    SineWave(series(), 2, 3.0, 0.7, time)(point, u, u_t);
    return u;
  };
  BOOST_TEST(std::abs(at(0.1, -0.05, 0) - 3 * bump(0.1) * bump(0.05)) <= 1e-10);
  const double x = 0.5, y = 0.3, u = at(x, y, t), u_tt = (at(x, y, t + h) - 2 * u + at(x, y, t - h)) / (h * h),
               laplacian =
                   (at(x + h, y, t) + at(x - h, y, t) + at(x, y + h, t) + at(x, y - h, t) - 4 * u) / (h * h);
  BOOST_TEST(u_tt == 0.49 * laplacian, boost::test_tools::tolerance(2e-3));
}

// A force field in one position and one velocity, against a grid: differences of order 4 in space, Runge and
// Kutta in time, of a bump that keeps away from the walls.
BOOST_AUTO_TEST_CASE(characteristics_carry_the_density) {
  constexpr int n = 160;
  const double h = 2.0 / n, dt = 0.01;
  const auto force = [](double x) { return -2 * x * std::exp(-x * x); };
  const auto start = [](double x, double v) { return bump(x - 0.1, 0.15) * bump(v + 0.15, 0.15); };
  std::vector<double> f(n * n);
  const auto centre = [h](int i) { return -1 + h * (i + 0.5); };
  for (int i = 0; i < n * n; ++i) f[static_cast<std::size_t>(i)] = start(centre(i % n), centre(i / n));
  const auto rate = [&](const std::vector<double>& g) {
    std::vector<double> r(g.size(), 0.0);
    for (int j = 2; j < n - 2; ++j)
      for (int i = 2; i < n - 2; ++i) {
        const auto value = [&](int a, int b) { return g[static_cast<std::size_t>((j + b) * n + i + a)]; };
        const double f_x = (8 * (value(1, 0) - value(-1, 0)) - value(2, 0) + value(-2, 0)) / (12 * h),
                     f_v = (8 * (value(0, 1) - value(0, -1)) - value(0, 2) + value(0, -2)) / (12 * h);
        r[static_cast<std::size_t>(j * n + i)] = -centre(j) * f_x - force(centre(i)) * f_v;
      }
    return r;
  };
  for (int step = 0; step < 50; ++step) {
    const auto plus = [&](const std::vector<double>& k, double c) {
      std::vector<double> g = f;
      for (std::size_t i = 0; i < g.size(); ++i) g[i] += c * k[i];
      return g;
    };
    const auto a = rate(f), b = rate(plus(a, dt / 2)), c = rate(plus(b, dt / 2)), d = rate(plus(c, dt));
    for (std::size_t i = 0; i < f.size(); ++i) f[i] += dt / 6 * (a[i] + 2 * b[i] + 2 * c[i] + d[i]);
  }
  const Velocity velocity = [&](std::span<const double> z, std::span<double> a) {
    a[0] = z[1];
    a[1] = force(z[0]);
  };
  double worst = 0, largest = 0;
  for (int j = 20; j < 140; j += 3)
    for (int i = 20; i < 140; i += 3) {
      double z[2] = {centre(i), centre(j)};
      const double exact = trace_back(velocity, z, 0.5, 40) ? start(z[0], z[1]) : 0.0;
      worst = std::max(worst, std::abs(exact - f[static_cast<std::size_t>(j * n + i)]));
      largest = std::max(largest, exact);
    }
  BOOST_TEST(largest > 0.9);
  BOOST_TEST(worst <= 2e-3);
}

BOOST_AUTO_TEST_CASE(nothing_flows_in_through_walls) {
  const Velocity free = [](std::span<const double> z, std::span<double> a) {
    a[0] = z[1];
    a[1] = 0;
  };
  double in[2] = {0.5, 0.6}, out[2] = {0.5, -0.6};
  BOOST_TEST(trace_back(free, in, 1, 10));
  BOOST_TEST(in[0] == -0.1, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(!trace_back(free, out, 1, 10));
}

// ---- drift and diffusion ----

Moments spread(std::int64_t d, double variance) {
  Moments m{.mean = zeros({d}, Dtype::f64), .covariance = zeros({d, d}, Dtype::f64)};
  for (std::int64_t i = 0; i < d; ++i) m.covariance.mutable_data<double>()[i * (d + 1)] = variance;
  return m;
}

// Along the diagonal and across it the variance relaxes at rates 2 and 2 (1 + coupling).
BOOST_AUTO_TEST_CASE(moments_follow_their_closed_form) {
  const LinearDrift drift{.dims = 4, .center = 0.3, .coupling = 0.5, .diffusion = 0.02};
  const double t = 0.7, start = 0.2;
  const Moments m = moments_at(drift, spread(4, start), t);
  const auto relaxed = [&](double rate) {
    return start * std::exp(-2 * rate * t) + drift.diffusion / rate * (1 - std::exp(-2 * rate * t));
  };
  const double along = relaxed(1), across = relaxed(1.5);
  for (std::int64_t i = 0; i < 4; ++i) {
    BOOST_TEST(m.mean.at(i) == 0.3 * (1 - std::exp(-t)), boost::test_tools::tolerance(1e-8));
    for (std::int64_t j = 0; j < 4; ++j)
      BOOST_TEST(m.covariance.at(4 * i + j) == (along - across) / 4 + (i == j ? across : 0.0),
                 boost::test_tools::tolerance(1e-7));
  }
}

// Particles without walls have those moments, within errors that are small enough to tell; step lengths do not
// matter; the same bits on any number of threads is what counted random numbers give.
BOOST_AUTO_TEST_CASE(particles_have_the_moments) {
  const LinearDrift drift{.dims = 3};
  Moments start = spread(3, 0.04);
  for (double& m : start.mean.mutable_view<double>()) m = -0.3;
  const auto normal = [](Stream& numbers, double* x) {
    const Tensor z = numbers.normal({3}, Dtype::f64, -0.3, 0.2);
    std::copy_n(z.data<double>(), 3, x);
  };
  for (const double step : {0.4, 0.05}) {
    const Moments found = particle_moments(drift, 20000, normal, {0.4}, step, false, Stream(1, "particles"))[0],
                  exact = moments_at(drift, start, 0.4);
    for (std::int64_t i = 0; i < 3; ++i) {
      BOOST_TEST(std::abs(found.mean.at(i) - exact.mean.at(i)) <= 4 * found.mean_error.at(i));
      BOOST_TEST(found.mean_error.at(i) <= 2e-3);
      for (std::int64_t j = 0; j < 3; ++j) {
        BOOST_TEST(std::abs(found.covariance.at(3 * i + j) - exact.covariance.at(3 * i + j)) <=
                   4 * found.covariance_error.at(3 * i + j));
        BOOST_TEST(found.covariance_error.at(3 * i + j) <= 5e-4);
      }
    }
    BOOST_TEST(found.mass == 1.0);
  }
}

// One dimension with walls: the equation by finite differences (implicit Euler, conservative upwind drift would
// smear, so central) against particles that vanish and against the density from its starts.
struct Line {
  double mass = 0, mean = 0;
  std::vector<double> p{};
};
Line line(const LinearDrift& drift, double t, int n, int steps) {
  const double h = 2.0 / n, dt = t / steps;
  Line result;
  const auto x = [h](int i) { return -1 + h * (i + 1); };
  std::vector<double> p;
  for (int i = 0; i < n - 1; ++i) p.push_back(0.75 * (1 - x(i) * x(i)));
  const double D = drift.diffusion / (h * h);
  for (int step = 0; step < steps; ++step) {  // Crank and Nicolson
    const std::size_t m = p.size();
    std::vector<double> right(m), above(m), diagonal(m), below(m);
    for (std::size_t i = 0; i < m; ++i) {
      const int k = static_cast<int>(i);
      const double low = D + (drift.center - x(k - 1)) / (2 * h),
                   high = D - (drift.center - x(k + 1)) / (2 * h);
      below[i] = -dt / 2 * low, above[i] = -dt / 2 * high, diagonal[i] = 1 + dt * D;
      right[i] = (1 - dt * D) * p[i] + (i > 0 ? dt / 2 * low * p[i - 1] : 0) +
                 (i + 1 < m ? dt / 2 * high * p[i + 1] : 0);
    }
    for (std::size_t i = 1; i < m; ++i) {
      const double w = below[i] / diagonal[i - 1];
      diagonal[i] -= w * above[i - 1];
      right[i] -= w * right[i - 1];
    }
    p[m - 1] = right[m - 1] / diagonal[m - 1];
    for (std::size_t i = m - 1; i-- > 0;) p[i] = (right[i] - above[i] * p[i + 1]) / diagonal[i];
  }
  for (int i = 0; i < n - 1; ++i) {
    result.mass += h * p[static_cast<std::size_t>(i)];
    result.mean += h * x(i) * p[static_cast<std::size_t>(i)];
  }
  result.mean /= result.mass;
  result.p = p;
  return result;
}

void parabola(Stream& numbers, double* x) {  // of density 3/4 (1 - x^2): the median of three
  double a[3];
  for (double& v : a) v = numbers.uniform({1}, Dtype::f64, -1, 1).at(0);
  std::sort(a, a + 3);
  x[0] = a[1];
}

BOOST_AUTO_TEST_CASE(walls_swallow_particles) {
  const LinearDrift drift{.dims = 1, .center = 0.9, .diffusion = 0.1};  // so that many are swallowed
  const Line exact = line(drift, 1, 400, 400);
  BOOST_TEST(exact.mass < 0.8);
  const Moments found = particle_moments(drift, 40000, parabola, {0.5, 1}, 0.02, true, Stream(2, "walls"))[1];
  BOOST_TEST(std::abs(found.mass - exact.mass) <= 4 * found.mass_error + 2e-3);
  BOOST_TEST(std::abs(found.mean.at(0) - exact.mean) <= 4 * found.mean_error.at(0) + 2e-3);
}

Tensor densities(const FreeDensity& density, const Tensor& x) {
  Tensor p({x.shape[0]}, Dtype::f64);
  for (std::int64_t i = 0; i < x.shape[0]; ++i)
    p.mutable_data<double>()[i] = density(x.data<double>() + i * x.shape[1]);
  return p;
}

BOOST_AUTO_TEST_CASE(density_from_where_it_comes) {
  const LinearDrift drift{.dims = 1};
  const Line exact = line(drift, 0.5, 400, 200);
  const auto p0 = [](const double* x) { return std::abs(x[0]) < 1 ? 0.75 * (1 - x[0] * x[0]) : 0.0; };
  std::vector<double> at;
  for (int i = 79; i < 399; i += 40) at.push_back(-1 + 0.005 * (i + 1));
  const Tensor x = from({std::ssize(at), 1}, at), p = densities(FreeDensity(drift, p0, 0.5, 2048), x);
  for (std::int64_t i = 0; i < x.size(); ++i)
    BOOST_TEST(std::abs(p.at(i) - exact.p[static_cast<std::size_t>(79 + 40 * i)]) <= 2e-3);
  BOOST_TEST(max_abs(p) > 0.9);
}

// In many dimensions: a normal density stays one, with the moments' mean and covariance.
BOOST_AUTO_TEST_CASE(density_of_normal_distributions) {
  const LinearDrift drift{.dims = 4};
  const double variance = 0.04, t = 0.3;
  const auto p0 = [&](const double* x) {
    double r = 0;
    for (int i = 0; i < 4; ++i) r += x[i] * x[i];
    return std::exp(-r / (2 * variance)) / std::pow(2 * std::numbers::pi * variance, 2);
  };
  const Moments m = moments_at(drift, spread(4, variance), t);
  // Along the diagonal the covariance is that of the mean of coordinates times 4, across that of differences.
  const double along = m.covariance.at(0) + 3 * m.covariance.at(1),
               across = m.covariance.at(0) - m.covariance.at(1);
  const Tensor x = from({2, 4}, {0.1, 0.0, 0.1, 0.05, -0.1, 0.1, 0.3, 0.0}),
               p = densities(FreeDensity(drift, p0, t, 8192), x);
  for (std::int64_t k = 0; k < 2; ++k) {
    double mean = 0, rest = 0;
    for (int i = 0; i < 4; ++i) mean += (x.at(4 * k + i) - m.mean.at(i)) / 4;
    for (int i = 0; i < 4; ++i) rest += std::pow(x.at(4 * k + i) - m.mean.at(i) - mean, 2);
    const double exact = std::exp(-2 * mean * mean / along - rest / (2 * across)) /
                         (std::pow(2 * std::numbers::pi, 2) * std::sqrt(along * std::pow(across, 3)));
    BOOST_TEST(p.at(k) == exact, boost::test_tools::tolerance(1e-2));
  }
}

BOOST_AUTO_TEST_CASE(quantiles_undo_the_distribution) {
  for (const double p : {1e-10, 0.003, 0.3, 0.5, 0.77, 1 - 1e-6})
    BOOST_TEST(0.5 * std::erfc(-normal_quantile(p) / std::numbers::sqrt2) == p,
               boost::test_tools::tolerance(1e-12));
  BOOST_CHECK_THROW(normal_quantile(0), Error);
}

BOOST_AUTO_TEST_SUITE_END()
