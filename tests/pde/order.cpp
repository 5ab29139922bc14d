// Second order where the solution is smooth, against exact solutions.
#include "support.h"

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using namespace lowtide::pde;

namespace {

const auto two_pi = 2 * M_PI;

struct Case {
  std::string name;
  std::function<Solver(std::int64_t cells, const SolverOptions&)> make;
  Exact exact;
  int component;
  double t;
  std::int64_t cells;  // and twice, four times as many
};

// gamma = 3 and p = rho^3 / 3: the sound speed is rho, and u + rho, u - rho both solve Burgers' equation.
double riemann_invariant(double sign, double x, double t) {
  double j = sign;
  for (int i = 0; i < 100; ++i) {
    const double foot = x - j * t, f = j - sign * (1 + 0.1 * std::sin(two_pi * foot));
    j -= f / (1 + sign * 0.1 * two_pi * std::cos(two_pi * foot) * t);
  }
  return j;
}

std::vector<Case> cases() {
  const auto wave = [](int, double x, double y, double t) {
    return std::sin(two_pi * (x - t)) * std::cos(two_pi * (y - 0.5 * t));
  };
  const double k = two_pi, c = 2, omega1 = c * k, omega2 = omega1 * std::sqrt(2.0);
  const Acoustics<1> tube{.density = 1, .bulk_modulus = 4};
  const Acoustics<2> plate{.density = 1, .bulk_modulus = 4};
  const auto standing = [k](double omega, bool two) {
    return [=](int component, double x, double y, double t) {
      const double cy = two ? std::cos(k * y) : 1, sy = std::sin(k * y),
                   speed = k / omega * std::sin(omega * t);
      return component == 0   ? std::cos(k * x) * cy * std::cos(omega * t)
             : component == 1 ? speed * std::sin(k * x) * cy
                              : speed * std::cos(k * x) * sy;
    };
  };
  const Euler<1> stiff{.gamma = 3};
  const Euler<2> gas;
  const auto density = [](double x, double y, double t) {
    return 1 + 0.2 * std::sin(two_pi * (x - t)) * std::cos(two_pi * (y - 0.5 * t));
  };
  return {
      {"advection 1d",
       [](std::int64_t n, const SolverOptions& o) {
         return Solver(
             Advection<1>{{-1.0}}, Grid1D{n}, [](double x) { return std::sin(two_pi * x); }, o);
       },
       [](int, double x, double, double t) { return std::sin(two_pi * (x + t)); }, 0, 1, 100},
      {"advection 2d",
       [wave](std::int64_t n, const SolverOptions& o) {
         return Solver(
             Advection<2>{{1.0, 0.5}}, Grid2D{{n, n}}, [&](double x, double y) { return wave(0, x, y, 0); }, o);
       },
       wave, 0, 1, 40},
      {"acoustics 1d",
       [=](std::int64_t n, const SolverOptions& o) {
         return Solver(
             tube, Grid1D{n},
             [=](double x) {
               return std::array{std::cos(k * x), 0.0};
             },
             o);
       },
       standing(omega1, false), 0, 0.7, 100},
      {"acoustics 2d, between walls",
       [=](std::int64_t n, const SolverOptions& o) {
         constexpr Boundary wall = Boundary::wall;
         return Solver(
             plate, Grid2D{{n, n}, {0, 0}, {1, 1}, {wall, wall, wall, wall}},
             [=](double x, double y) {
               return std::array{std::cos(k * x) * std::cos(k * y), 0.0, 0.0};
             },
             o);
       },
       standing(omega2, true), 0, 0.6, 40},
      {"acoustics 2d, velocity",
       [=](std::int64_t n, const SolverOptions& o) {
         return Solver(
             plate, Grid2D{{n, n}},
             [=](double x, double y) {
               return std::array{std::cos(k * x) * std::cos(k * y), 0.0, 0.0};
             },
             o);
       },
       standing(omega2, true), 2, 0.6, 40},
      {"euler 1d, two waves",
       [=](std::int64_t n, const SolverOptions& o) {
         return Solver(
             stiff, Grid1D{n},
             [=](double x) {
               const double rho = 1 + 0.1 * std::sin(two_pi * x);
               return stiff.conserved(State<double, 3>{rho, 0, rho * rho * rho / 3});
             },
             o);
       },
       [](int, double x, double, double t) {
         return 0.5 * (riemann_invariant(1, x, t) - riemann_invariant(-1, x, t));
       },
       0, 0.5, 100},
      {"euler 2d, density wave",
       [=](std::int64_t n, const SolverOptions& o) {
         return Solver(
             gas, Grid2D{{n, n}},
             [=](double x, double y) {
               return gas.conserved(State<double, 4>{density(x, y, 0), 1, 0.5, 1});
             },
             o);
       },
       [=](int, double x, double y, double t) { return density(x, y, t); }, 0, 0.5, 40},
  };
}

double order_of(const Case& c, Limiter limiter) {
  double errors[2];
  for (int fine = 0; fine < 2; ++fine) {
    Solver solver = c.make(c.cells << (fine + 1), {.limiter = limiter});
    solver.advance(c.t);
    errors[fine] = l1_error(solver, c.exact, c.component);
  }
  return std::log2(errors[0] / errors[1]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(order)

BOOST_AUTO_TEST_CASE(of_smooth_solutions) {
  const struct {
    Limiter limiter;
    double least;
  } expected[] = {{Limiter::none, 1.9}, {Limiter::mc, 1.7}, {Limiter::van_leer, 1.6}, {Limiter::minmod, 1.4}};
  for (const Case& c : cases())
    for (const auto& [limiter, least] : expected) {
      const double found = order_of(c, limiter);
      BOOST_TEST_MESSAGE(c.name << ", " << name_of(limiter) << ": order " << found);
      BOOST_TEST(found > least, c.name << ", " << name_of(limiter) << ": " << found);
    }
}

BOOST_AUTO_TEST_CASE(first_order_without_slopes) {
  for (const Case& c : cases()) {
    const double found = order_of(c, Limiter::zero);
    BOOST_TEST((found > 0.7 && found < 1.3), c.name << ": " << found);
  }
}

BOOST_AUTO_TEST_SUITE_END()
