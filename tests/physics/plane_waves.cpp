// Sums of ridges by sampling, and the networks that move them: what must be exact is, and rates are as
// promised.
#include <lowtide/autodiff.h>
#include <lowtide/physics/plane_waves.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

using namespace lowtide;

namespace {

double dot(const double* a, const double* b, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// sum a phi(w . x + b) for phi = sigma or its derivative.
double value_of(const Ridges& r, Ridge kind, const double* x) {
  double sum = 0;
  for (std::size_t i = 0; i < r.a.size(); ++i) {
    const double y = dot(&r.w[i * static_cast<std::size_t>(r.dims)], x, r.dims) + r.b[i];
    sum += y > 0 ? r.a[i] * (kind == Ridge::ramp ? y : 1) : 0;
  }
  return sum;
}

Ridges some_ridges(int dims, std::int64_t count, std::uint64_t seed) {
  const SphereCells sphere(dims, 1);
  const Stream numbers(seed, "ridges");
  Ridges ridges{.dims = dims};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto k = static_cast<std::uint64_t>(4 * i);
    double w[3];
    sphere.point(0, numbers.uniform(k), numbers.uniform(k + 1), w);
    ridges.add(w, numbers.uniform(k + 2) - 0.5, numbers.normal(k + 3));
  }
  return ridges;
}

double at(const PlaneWaves& waves, const double* x, double t) {
  const std::int64_t d = waves.net.in;
  return waves(Var(from({1, d}, {x, static_cast<std::size_t>(d)})), Var(scalar(t, Dtype::f64).reshaped({1, 1})))
      .value()
      .item();
}

double rate_at(const PlaneWaves& waves, const double* x, double t) {  // u_t
  const std::int64_t d = waves.net.in;
  Tape tape;
  const Var time = tape.leaf(full({1, 1}, t, Dtype::f64));
  return push(waves(Var(from({1, d}, {x, static_cast<std::size_t>(d)})), time), time,
              Var(ones({1, 1}, Dtype::f64)))
      .value()
      .item();
}

constexpr double points[][3] = {{0.1, -0.2, 0.33}, {-0.71, 0.4, 0.05}, {0.52, 0.63, -0.41}};

}  // namespace

BOOST_AUTO_TEST_SUITE(plane_waves_suite)

// Theorem 3.2: rank (d, 2; 1, 0), d + 3 coefficients, of which one moves.
BOOST_AUTO_TEST_CASE(coefficients) {
  for (const int d : {1, 2, 3}) {
    const PlaneWaves wave = wave_network(some_ridges(d, 5, 1), some_ridges(d, 4, 2), 2),
                     carried = advection_network(some_ridges(d, 5, 1), std::vector<double>(d, 0.5));
    BOOST_TEST(wave.net.width == 18);
    BOOST_TEST(carried.net.width == 5);
    for (const PlaneWaves* waves : {&wave, &carried}) {
      const LowRankNet net = waves->net.factors();
      BOOST_TEST(net.depth == 2);
      BOOST_TEST(net.weight_rank(0) == d);
      BOOST_TEST(net.bias_rank(0) == 2);
      BOOST_TEST(net.weight_rank(1) == 1);
      BOOST_TEST(net.bias_rank(1) == 0);
      BOOST_TEST(waves->net.coefficients() == d + 3);
      std::int64_t count = 0;
      for (const Tensor& part : waves->theta) count += part.size();
      BOOST_TEST(count == waves->net.parameter_count());
      const Vars theta(waves->theta.begin(), waves->theta.end());
      const Tensor s = waves->net.coefficients_at(theta, Var(full({1, 1}, 0.7, Dtype::f64))).value();
      for (std::int64_t i = 0; i < d + 3; ++i) BOOST_TEST(s.at(i) == (i == d + 1 ? 0.7 : 1.0));
    }
  }
}

// u and u_t start as the sums do: the sign and the 1 / (2 c) of the second part.
BOOST_AUTO_TEST_CASE(starts) {
  for (const int d : {1, 2, 3}) {
    const Ridges u = some_ridges(d, 7, 3), v = some_ridges(d, 6, 4);
    const PlaneWaves waves = wave_network(u, v, 1.7);
    for (const auto& x : points) {
      BOOST_TEST(std::abs(at(waves, x, 0) - value_of(u, Ridge::ramp, x)) <= 1e-14);
      BOOST_TEST(std::abs(rate_at(waves, x, 0) - value_of(v, Ridge::step, x)) <= 1e-14);
    }
  }
}

// The wave equation in the form that holds for kinks too: for waves along w,
// u(x, t + h) + u(x, t - h) = u(x + c h w, t) + u(x - c h w, t).
BOOST_AUTO_TEST_CASE(one_plane_wave_solves_the_equation) {
  const double c = 1.7;
  for (const int d : {1, 2, 3})
    for (const bool moving : {false, true}) {
      const Ridges one = some_ridges(d, 1, 5), none{.dims = d};
      const PlaneWaves waves = moving ? wave_network(none, one, c) : wave_network(one, none, c);
      for (const auto& x : points)
        for (const double t : {0.2, 0.6})
          for (const double h : {0.05, 0.3}) {
            double ahead[3], behind[3];
            for (int j = 0; j < d; ++j) {
              ahead[j] = x[j] + c * h * one.w[static_cast<std::size_t>(j)];
              behind[j] = x[j] - c * h * one.w[static_cast<std::size_t>(j)];
            }
            BOOST_TEST(std::abs(at(waves, x, t + h) + at(waves, x, t - h) - at(waves, ahead, t) -
                                at(waves, behind, t)) <= 1e-14);
          }
    }
}

BOOST_AUTO_TEST_CASE(advection_carries) {
  const double velocity[] = {0.5, -1.25, 0.75};
  for (const int d : {1, 2, 3}) {
    const Ridges u = some_ridges(d, 7, 6);
    const PlaneWaves waves = advection_network(u, {velocity, static_cast<std::size_t>(d)});
    for (const auto& x : points) {
      double before[3];
      for (int j = 0; j < d; ++j) before[j] = x[j] - 0.3 * velocity[j];
      BOOST_TEST(std::abs(at(waves, x, 0.3) - value_of(u, Ridge::ramp, before)) <= 1e-14);
    }
  }
}

// Constants stay what they are as long as reach says, in value or in velocity.
BOOST_AUTO_TEST_CASE(constants) {
  const PlaneProfile f{[](double) { return 3.0; }, [](double) { return 0.0; }};
  for (const int d : {1, 2, 3}) {
    Ridges u{.dims = d}, v{.dims = d};
    add_constant(u, f, Ridge::ramp, 2.5);
    add_constant(v, f, Ridge::step, 2.5);
    BOOST_TEST(u.count() == constant_units(Ridge::ramp));
    BOOST_TEST(v.count() == constant_units(Ridge::step));
    const PlaneWaves waves = wave_network(u, v, 1.5);
    for (const auto& x : points)
      for (const double t : {0.0, 0.4, 1.0}) BOOST_TEST(std::abs(at(waves, x, t) - 3 - 3 * t) <= 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(wrong_data) {
  BOOST_CHECK_THROW(wave_network(some_ridges(1, 3, 1), some_ridges(2, 3, 1), 1), ShapeError);
  BOOST_CHECK_THROW(wave_network(some_ridges(1, 3, 1), some_ridges(1, 3, 1), 0), Error);
  BOOST_CHECK_THROW(wave_network(Ridges{.dims = 2}, Ridges{.dims = 2}, 1), Error);
  BOOST_CHECK_THROW(advection_network(some_ridges(2, 3, 1), std::vector<double>{1}), ShapeError);
  BOOST_CHECK_THROW(SphereCells(4, 1), Error);
  BOOST_CHECK_THROW(gaussian_profile(0, 1), Error);
}

// Shares of the mass come back as offsets: here |dg| is 1 on [0,1] downwards and 3 on [1,2] upwards.
BOOST_AUTO_TEST_CASE(offsets_by_their_mass) {
  const Offsets offsets([](double s) { return s < 1 ? -s : 3 * s - 4; }, 2, 1000);
  BOOST_TEST(offsets.mass() == 4, boost::test_tools::tolerance(1e-12));
  BOOST_REQUIRE(offsets.pieces().size() == 3);
  BOOST_TEST(offsets.pieces()[1] == 0.25, boost::test_tools::tolerance(1e-12));
  for (const double share : {0.0, 0.1, 0.2, 0.3, 0.7, 0.999}) {
    const Offsets::Place place = offsets.at(share);
    BOOST_TEST(std::abs(place.offset - (share < 0.25 ? 4 * share : (4 * share + 2) / 3)) <= 1e-9);
    BOOST_TEST(place.sign == (share < 0.25 ? -1 : 1));
  }
}

// Points of cells are uniform on the sphere together, and those of one cell are near each other.
BOOST_AUTO_TEST_CASE(cells_of_the_sphere) {
  const Stream numbers(1, "cells");
  for (const int d : {2, 3})
    for (const std::int64_t n : {1, 2, 3, 7, 50, 400}) {
      const SphereCells cells(d, n);
      const std::int64_t each = 40000 / n;
      double second[3] = {}, mixed = 0, widest = 0;
      for (std::int64_t k = 0; k < n; ++k) {
        double first[3] = {};
        for (std::int64_t i = 0; i < each; ++i) {
          const auto e = static_cast<std::uint64_t>(2 * (k * each + i));
          double w[3] = {};
          cells.point(k, numbers.uniform(e), numbers.uniform(e + 1), w);
          for (int j = 0; j < d; ++j) second[j] += w[j] * w[j] / static_cast<double>(n * each);
          mixed += w[0] * w[1] / static_cast<double>(n * each);
          BOOST_REQUIRE(std::abs(dot(w, w, d) - 1) <= 1e-14);
          if (i == 0) std::copy_n(w, 3, first);
          widest = std::max(widest, std::hypot(w[0] - first[0], w[1] - first[1], w[2] - first[2]));
        }
      }
      for (int j = 0; j < d; ++j) BOOST_TEST(std::abs(second[j] - 1.0 / d) <= 0.01);
      BOOST_TEST(std::abs(mixed) <= 0.01);
      if (n >= 50)
        BOOST_TEST(widest <= (d == 2 ? 6.3 / static_cast<double>(n) : 7 / std::sqrt(static_cast<double>(n))));
    }
}

// Sampled ridges with the constant have the function as their mean, with an error that falls faster by strata.
BOOST_AUTO_TEST_CASE(sampled_ridges) {
  const double deviation = 0.3, reach = 1.2;
  for (const int d : {1, 2, 3})
    for (const Ridge kind : {Ridge::ramp, Ridge::step}) {
      const PlaneProfile f = gaussian_profile(d, deviation);
      const Offsets offsets = offsets_of(f, kind, reach);
      double square[2] = {};
      for (const RidgeSampling sampling : {RidgeSampling::stratified, RidgeSampling::independent})
        for (std::uint64_t seed = 0; seed < 6; ++seed) {
          Ridges ridges = sample_ridges(d, offsets, 2000, sampling, Stream(seed, "ridges"));
          BOOST_TEST(ridges.count() == 2000);
          add_constant(ridges, f, kind, reach);
          for (const auto& x : points) {
            const double r = d == 1 ? std::abs(x[0]) : std::hypot(x[0], x[1], d == 3 ? x[2] : 0);
            square[sampling == RidgeSampling::independent] +=
                std::pow(value_of(ridges, kind, x) - std::exp(-r * r / (2 * deviation * deviation)), 2) / 18;
          }
        }
      BOOST_TEST_CONTEXT(d << " dimensions, " << (kind == Ridge::ramp ? "ramps" : "steps")) {
        BOOST_TEST(std::sqrt(square[0]) <= (kind == Ridge::ramp ? 0.02 : 0.05));
        BOOST_TEST(std::sqrt(square[0]) <= std::sqrt(square[1]) / (d == 3 && kind == Ridge::step ? 1.3 : 2));
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()
