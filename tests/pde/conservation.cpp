// Nothing is made or lost but through the sides, and there it is counted.
#include "support.h"

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using namespace lowtide::pde;

namespace {

// Smooth and rough at once, in motion.
State<double, 4> rough(double x, double y) {
  const Euler<2> gas;
  return gas.conserved(State<double, 4>{x > 0.4 && y < 0.7 ? 2.0 : 0.5, 0.5 * std::sin(2 * M_PI * y),
                                        x < 0.5 ? 0.3 : -0.2, y > 0.5 ? 1.5 : 0.4});
}

constexpr Boundary wall = Boundary::wall;

}  // namespace

BOOST_AUTO_TEST_SUITE(conservation)

BOOST_AUTO_TEST_CASE(euler_between_periodic_sides) {
  Solver solver(Euler<2>{}, Grid2D{{75, 60}, {0, 0}, {1.5, 1}}, rough);
  const std::vector<double> before = solver.integral();
  solver.advance(0.5);
  const std::vector<double> after = solver.integral();
  const double mass_speed = before[0] * 1.5;  // about the integral of density times sound speed
  BOOST_TEST(std::abs(after[0] - before[0]) < 1e-12 * before[0]);
  BOOST_TEST(std::abs(after[1] - before[1]) < 1e-12 * mass_speed);
  BOOST_TEST(std::abs(after[2] - before[2]) < 1e-12 * mass_speed);
  BOOST_TEST(std::abs(after[3] - before[3]) < 1e-12 * before[3]);
}

// Walls let nothing through but momentum, by their pressure.
BOOST_AUTO_TEST_CASE(euler_between_walls) {
  Solver solver(Euler<2>{}, Grid2D{{60, 75}, {0, 0}, {1, 1}, {wall, wall, wall, wall}}, rough);
  const std::vector<double> before = solver.integral();
  solver.advance(0.5);
  const std::vector<double> after = solver.integral();
  BOOST_TEST(std::abs(after[0] - before[0]) < 1e-12 * before[0]);
  BOOST_TEST(std::abs(after[3] - before[3]) < 1e-12 * before[3]);
  for (int axis = 0; axis < 2; ++axis) {
    const auto c = static_cast<std::size_t>(1 + axis);
    const double low = solver.outflow(2 * axis)[c], high = solver.outflow(2 * axis + 1)[c];
    BOOST_TEST(low < 0);  // pressure pushes inwards: the impulse has the sign of the side
    BOOST_TEST(high > 0);
    BOOST_TEST(std::abs(after[c] - before[c] + low + high) < 1e-12 * high);
    BOOST_TEST(std::abs(after[c] - before[c]) > 1e-3);  // and it is not zero
  }
}

BOOST_AUTO_TEST_CASE(blast_waves_between_walls) {
  Solver solver = blast_waves(500);
  const std::vector<double> before = solver.integral();
  solver.advance(0.038);
  const std::vector<double> after = solver.integral();
  BOOST_TEST(std::abs(after[0] - before[0]) < 1e-12 * before[0]);
  BOOST_TEST(std::abs(after[2] - before[2]) < 1e-12 * before[2]);
  const double impulse = -solver.outflow(0)[1] - solver.outflow(1)[1];
  BOOST_TEST(std::abs(after[1] - impulse) < 1e-12 * solver.outflow(1)[1]);
  BOOST_TEST(impulse > 1);
}

// What leaves through open sides is counted.
BOOST_AUTO_TEST_CASE(outflow_is_counted) {
  constexpr Boundary out = Boundary::outflow;
  Solver solver(Burgers<2>{}, Grid2D{{40, 30}, {0, 0}, {1, 1}, {out, out, out, out}},
                [](double x, double y) { return 1 + 0.5 * std::sin(7 * x + 3 * y); });
  const double before = solver.integral()[0];
  solver.advance(0.4);
  double gone = 0;
  for (int side = 0; side < 4; ++side) gone += solver.outflow(side)[0];
  BOOST_TEST(std::abs(gone) > 1e-3);
  BOOST_TEST(std::abs(solver.integral()[0] + gone - before) < 1e-13);
}

// The fluxes of a stream function add up to zero in every cell: a constant stays constant, in any flow.
BOOST_AUTO_TEST_CASE(a_swirl_keeps_constants_and_returns) {
  constexpr Boundary out = Boundary::outflow;
  const auto grid = [](std::int64_t n) {
    return Grid2D{{n, n}, {0, 0}, {1, 1}, {Boundary::periodic, Boundary::periodic, out, out}};
  };
  Solver constant(swirl(), grid(40), [](double, double) { return 3.0; });
  constant.advance(1);
  BOOST_TEST(max_abs(constant.values()) < 3 * (1 + 1e-12));

  const Exact half = [](int, double, double y, double) { return y < 0.5 ? 1.0 : 0.0; };
  double errors[2];
  for (int fine = 0; fine < 2; ++fine) {
    Solver solver(swirl(), grid(80 << fine), [](double, double y) { return y < 0.5 ? 1.0 : 0.0; });
    const double before = solver.integral()[0];
    solver.advance(1);
    BOOST_TEST(l1_error(solver, half) > 0.2);  // far away
    solver.advance(2);
    errors[fine] = l1_error(solver, half);
    BOOST_TEST(std::abs(solver.integral()[0] - before) < 1e-12);
    BOOST_TEST(max_abs(solver.values()) < 1.02);
  }
  BOOST_TEST_MESSAGE("the swirl returns with errors " << errors[0] << ", " << errors[1]);
  BOOST_TEST(errors[0] < 0.03);
  BOOST_TEST(std::log2(errors[0] / errors[1]) > 0.6);  // 2/3 for a contact

  const auto bump = [](double x, double y) {
    return std::exp(-40 * ((x - 0.5) * (x - 0.5) + (y - 0.3) * (y - 0.3)));
  };
  double smooth[2];
  for (int fine = 0; fine < 2; ++fine) {
    Solver solver(swirl(), grid(80 << fine), bump, {.limiter = Limiter::none});
    solver.advance(2);
    smooth[fine] = l1_error(solver, [&](int, double x, double y, double) { return bump(x, y); });
  }
  BOOST_TEST(std::log2(smooth[0] / smooth[1]) > 1.9);
}

BOOST_AUTO_TEST_SUITE_END()
