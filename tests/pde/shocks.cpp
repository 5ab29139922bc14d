// Shocks, rarefactions and contacts where they belong.
#include <lowtide/pde/exact_riemann.h>

#include "support.h"

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using namespace lowtide::pde;

namespace {

const GasState sod_left{1, 0, 1}, sod_right{0.125, 0, 0.1};

double tube_error(const GasState& left, const GasState& right, std::int64_t cells, double t) {
  const Euler<1> gas;
  const auto state = [&](const GasState& s) {
    return gas.conserved(State<double, 3>{s.density, s.velocity, s.pressure});
  };
  Solver solver(gas, Grid1D{cells, 0, 1, {Boundary::outflow, Boundary::outflow}},
                [&](double x) { return x < 0.5 ? state(left) : state(right); });
  solver.advance(t);
  const RiemannProblem exact(left, right);
  return l1_error(solver,
                  [&](int, double x, double, double time) { return exact.at((x - 0.5) / time).density; });
}

// Where u falls through `value`, between the centres of cells.
double crossing(const Solver& solver, double value) {
  const Tensor u = solver.values();
  for (std::int64_t i = 0; i + 1 < u.shape[0]; ++i)
    if (u.at(i) >= value && u.at(i + 1) < value)
      return solver.grid().place(0, static_cast<double>(i) + 0.5 + (u.at(i) - value) / (u.at(i) - u.at(i + 1)));
  return -1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shocks)

// Toro 2009, table 4.2: pressure and velocity between the waves.
BOOST_AUTO_TEST_CASE(exact_riemann_solution) {
  const struct {
    GasState left, right;
    double pressure, velocity;
  } table[] = {{{1, 0, 1}, {0.125, 0, 0.1}, 0.30313, 0.92745},
               {{1, -2, 0.4}, {1, 2, 0.4}, 0.00189, 0.0},
               {{1, 0, 1000}, {1, 0, 0.01}, 460.894, 19.5975},
               {{1, 0, 0.01}, {1, 0, 100}, 46.0950, -6.19633},
               {{5.99924, 19.5975, 460.894}, {5.99242, -6.19633, 46.0950}, 1691.64, 8.68975}};
  for (const auto& row : table) {
    const RiemannProblem problem(row.left, row.right);
    BOOST_TEST(std::abs(problem.star_pressure() - row.pressure) < 1e-5 * std::max(1.0, row.pressure));
    BOOST_TEST(std::abs(problem.star_velocity() - row.velocity) < 2e-5 * std::max(1.0, std::abs(row.velocity)));
    // The mirrored problem has the mirrored solution.
    const auto turned = [](GasState s) { return GasState{s.density, -s.velocity, s.pressure}; };
    const RiemannProblem mirror(turned(row.right), turned(row.left));
    for (double speed = -30; speed < 30; speed += 0.37)
      BOOST_TEST(std::abs(problem.at(speed).density - mirror.at(-speed).density) < 1e-10);
  }
  BOOST_CHECK_THROW(RiemannProblem({1, -20, 0.4}, {1, 20, 0.4}), SolverError);
}

BOOST_AUTO_TEST_CASE(sod) {
  const double coarse = tube_error(sod_left, sod_right, 400, 0.2),
               fine = tube_error(sod_left, sod_right, 1600, 0.2);
  BOOST_TEST_MESSAGE("Sod, 400 cells: " << coarse << ", 1600: " << fine);
  BOOST_TEST(coarse < 3e-3);
  BOOST_TEST(std::log2(coarse / fine) / 2 > 0.8);
}

// Two strong rarefactions with almost nothing between them.
BOOST_AUTO_TEST_CASE(near_vacuum) {
  BOOST_TEST(tube_error({1, -2, 0.4}, {1, 2, 0.4}, 400, 0.15) < 1e-2);
  BOOST_TEST(tube_error({1, 0, 1000}, {1, 0, 0.01}, 400, 0.012) < 0.15);
}

// A wave that opens to both sides of the sonic point: HLLC needs no entropy fix.
BOOST_AUTO_TEST_CASE(sonic_rarefaction) {
  BOOST_TEST(tube_error({1, 0.75, 1}, {0.125, 0, 0.1}, 400, 0.2) < 4e-3);
}

BOOST_AUTO_TEST_CASE(burgers_shock_stands_in_its_cell) {
  for (const Limiter limiter : {Limiter::minmod, Limiter::mc, Limiter::van_leer, Limiter::superbee})
    for (const double behind : {1.0, 2.0, 0.3}) {
      const std::int64_t n = 200;
      Solver solver(Burgers<1>{}, Grid1D{n, 0, 1, {Boundary::outflow, Boundary::outflow}},
                    [&](double x) { return x < 0.2 ? behind : -0.1; }, {.limiter = limiter});
      const double t = 0.5 / behind, speed = 0.5 * (behind - 0.1);
      solver.advance(t);
      BOOST_TEST(std::abs(crossing(solver, speed) - (0.2 + speed * t)) < 1.0 / static_cast<double>(n));
    }
}

BOOST_AUTO_TEST_CASE(burgers_rarefaction_through_the_sonic_point) {
  const std::int64_t n = 200;
  const double dx = 1.0 / static_cast<double>(n), t = 0.3;
  Solver solver(Burgers<1>{}, Grid1D{n, -0.5, 0.5, {Boundary::outflow, Boundary::outflow}},
                [](double x) { return x < 0 ? -1.0 : 1.0; });
  solver.advance(t);
  const Tensor u = solver.values();
  for (std::int64_t i = 0; i < n; ++i) {
    const double x = solver.grid().place(0, static_cast<double>(i) + 0.5), exact = std::clamp(x / t, -1.0, 1.0);
    // As if shifted by a cell at most; the corners of the fan are rounded by two.
    const double allowed = std::abs(std::abs(x) - t) < 3 * dx ? 2 * dx / t : dx / t;
    BOOST_TEST(std::abs(u.at(i) - exact) < allowed, "x = " << x << ": " << u.at(i) << ", exact " << exact);
  }
}

BOOST_AUTO_TEST_CASE(blast_waves_meet_where_they_must) {
  Solver solver = blast_waves(2000);
  const auto peak = [&](double* at) {
    const Tensor q = solver.values();
    std::int64_t best = 0;
    for (std::int64_t i = 0; i < q.shape[0]; ++i)
      if (q.at(3 * i) > q.at(3 * best)) best = i;
    *at = solver.grid().place(0, static_cast<double>(best) + 0.5);
    return q.at(3 * best);
  };
  // Until the shocks meet, no shock can compress the gas more than sixfold (gamma = 1.4).
  double met = 0, place = 0;
  for (double t = 0.026; t < 0.029 && met == 0; t += 2.5e-5) {
    solver.advance(t);
    if (peak(&place) > 6.6) met = t;
  }
  BOOST_TEST_MESSAGE("the shocks have met by t = " << met << " near x = " << place);
  BOOST_TEST((met > 0.0275 && met < 0.0280));
  BOOST_TEST(std::abs(place - 0.69) < 0.01);
  solver.advance(0.028);
  const double at_28 = peak(&place);
  solver.advance(0.029);
  const double at_29 = peak(&place);
  solver.advance(0.038);
  const double at_38 = peak(&place);
  BOOST_TEST_MESSAGE("peak densities at .028, .029, .038: " << at_28 << " " << at_29 << " " << at_38 << " at "
                                                            << place);
  BOOST_TEST((at_28 > 15 && at_28 < 24));
  BOOST_TEST((at_29 > 23 && at_29 < 31.1));  // the density behind two such shocks is 31.04
  BOOST_TEST((at_38 > 6.2 && at_38 < 6.8));
  BOOST_TEST(std::abs(place - 0.775) < 0.01);
}

BOOST_AUTO_TEST_CASE(pressure_stays_positive) {
  const Euler<1> gas;
  for (const std::int64_t cells : {500, 1000, 2000})
    for (const Limiter limiter :
         {Limiter::minmod, Limiter::mc, Limiter::van_leer, Limiter::superbee, Limiter::none}) {
      Solver solver = blast_waves(cells, {.limiter = limiter});
      double least = 1;
      for (int frame = 1; frame <= 80; ++frame) {
        solver.advance(0.038 * frame / 80);
        const Tensor q = solver.values();
        for (std::int64_t i = 0; i < cells; ++i)
          least = std::min(least,
                           gas.primitive(State<double, 3>{q.at(3 * i), q.at(3 * i + 1), q.at(3 * i + 2)})[2]);
      }
      BOOST_TEST(least > 0, cells << " cells, " << name_of(limiter) << ": " << least);
    }
}

BOOST_AUTO_TEST_SUITE_END()
