#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/pde/law_kernels.h>

#include "support.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <type_traits>

// A law of somebody else, in the fewest words: Lax-Friedrichs and rates from the flux.
namespace elsewhere {

struct Cubic {
  static constexpr const char* name = "cubic";
  static constexpr int dims = 1, equations = 1;
  static constexpr const char* fields[] = {"u"};

  template <class V>
  lowtide::pde::State<V, 1> flux(int, const lowtide::pde::State<V, 1>& u) const {
    return {(1.0 / 3) * u[0] * u[0] * u[0]};
  }
  template <class V>
  V speed(int, const lowtide::pde::State<V, 1>& u) const {
    return u[0] * u[0];
  }
};
LOWTIDE_LAW(cubic, Cubic)

}  // namespace elsewhere

using namespace lowtide;
using namespace lowtide::pde;

namespace {

template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

const auto one = [](double) { return 1.0; };
constexpr Boundary wall = Boundary::wall, out = Boundary::outflow;

}  // namespace

BOOST_AUTO_TEST_SUITE(solver)

BOOST_AUTO_TEST_CASE(a_law_of_ones_own) {
  // u^2 is the characteristic speed: u_t + u^2 u_x = 0, solved along characteristics before they cross.
  const auto initial = [](double x) { return 1 + 0.2 * std::sin(2 * M_PI * x); };
  const Exact exact = [&](int, double x, double, double t) {
    double u = 1;
    for (int i = 0; i < 200; ++i) u = initial(x - u * u * t);
    return u;
  };
  double errors[2];
  for (int fine = 0; fine < 2; ++fine) {
    Solver solver(elsewhere::Cubic{}, Grid1D{100 << fine}, initial, {.limiter = Limiter::none});
    solver.advance(0.2);
    errors[fine] = l1_error(solver, exact);
  }
  BOOST_TEST(std::log2(errors[0] / errors[1]) > 1.9);
}

BOOST_AUTO_TEST_CASE(lands_on_times_exactly) {
  Solver solver = blast_waves(100);
  double t = 0;
  for (const double by : {1e-9, 0.001, 0.0031, 0.01}) {
    t += by;
    solver.advance(t);
    BOOST_TEST(solver.time() == t);
  }
  const std::int64_t steps = solver.steps();
  solver.advance(t);
  solver.advance(t / 2);  // no way back
  BOOST_TEST(solver.steps() == steps);
  BOOST_TEST(solver.time() == t);
}

BOOST_AUTO_TEST_CASE(step_length_is_kept_below_its_bounds) {
  Solver capped(Advection<1>{{1.0}}, Grid1D{50}, one, {.dt_max = 0.003});
  capped.advance(0.3);
  BOOST_TEST(capped.steps() == 100);
  Solver still(Advection<1>{{0.0}}, Grid1D{50}, one);
  still.advance(5);
  BOOST_TEST(still.steps() == 1);  // nothing moves: one step will do
}

// The most that the bound on the step allows is stable, also along the diagonal.
BOOST_AUTO_TEST_CASE(stable_up_to_the_cfl_bound) {
  for (const Limiter limiter : {Limiter::none, Limiter::mc, Limiter::zero}) {
    Solver solver(
        Advection<2>{{1.0, 1.0}}, Grid2D{{40, 40}},
        [](double x, double y) { return std::cos(40 * M_PI * (x + y)) + std::sin(2 * M_PI * x) + (x < y); },
        {.limiter = limiter, .cfl = 1});
    solver.advance(20);
    BOOST_TEST(max_abs(solver.values()) < 3.1, name_of(limiter) << ": " << max_abs(solver.values()));
  }
}

BOOST_AUTO_TEST_CASE(the_axes_are_alike) {
  const Euler<2> gas;
  const auto state = [&](double x, double y, double u, double v) {
    return gas.conserved(State<double, 4>{x > 0.6 && y > 0.3 ? 2.0 : 1.0, u, v, x > 0.4 ? 1.0 : 0.2});
  };
  Solver straight(gas, Grid2D{{60, 40}, {0, 0}, {1, 0.7}, {wall, out, Boundary::periodic, Boundary::periodic}},
                  [&](double x, double y) { return state(x, y, 0.3, -0.1); });
  Solver turned(gas, Grid2D{{40, 60}, {0, 0}, {0.7, 1}, {Boundary::periodic, Boundary::periodic, wall, out}},
                [&](double x, double y) { return state(y, x, -0.1, 0.3); });
  straight.advance(0.2);
  turned.advance(0.2);
  const Tensor a = straight.values(), b = turned.values();
  const int swapped[] = {0, 2, 1, 3};
  double largest = 0;
  for (std::int64_t j = 0; j < 40; ++j)
    for (std::int64_t i = 0; i < 60; ++i)
      for (int c = 0; c < 4; ++c)
        largest = std::max(largest, std::abs(a.at((j * 60 + i) * 4 + c) - b.at((i * 40 + j) * 4 + swapped[c])));
  BOOST_TEST(largest < 1e-12);
}

BOOST_AUTO_TEST_CASE(two_dimensions_hold_the_one) {
  Solver line(Euler<1>{}, Grid1D{80, 0, 1, {wall, wall}}, [](double x) {
    return Euler<1>{}.conserved(State<double, 3>{1, 0, x < 0.3 ? 10.0 : 1.0});
  });
  Solver plane(Euler<2>{}, Grid2D{{80, 5}, {0, 0}, {1, 0.1}, {wall, wall, wall, wall}},
               [](double x, double) {
                 return Euler<2>{}.conserved(State<double, 4>{1, 0, 0, x < 0.3 ? 10.0 : 1.0});
               },
               {.cfl = 0.5});
  line.advance(0.2);
  plane.advance(0.2);
  double sum = 0;
  for (std::int64_t i = 0; i < 80; ++i) {
    for (std::int64_t j = 1; j < 5; ++j)
      BOOST_TEST(std::abs(plane.values().at((j * 80 + i) * 4) - plane.values().at(i * 4)) < 1e-12);
    sum += std::abs(line.values().at(3 * i) - plane.values().at(4 * i)) / 80;
  }
  BOOST_TEST(sum < 0.01);  // steps differ in length
}

BOOST_AUTO_TEST_CASE(same_bits_on_any_number_of_threads) {
  const auto run = [](int threads) {
    const ThreadLimit limit(threads);
    Solver solver(Euler<2>{}, Grid2D{{300, 70}}, [](double x, double y) {
      return Euler<2>{}.conserved(
          State<double, 4>{x > 0.5 ? 2.0 : 1.0, std::sin(6 * y), 0.2, y > 0.5 ? 2.0 : 1.0});
    });
    solver.advance(0.05);
    return solver.values();
  };
  const Tensor alone = run(1);
  for (const int threads : {2, 3, 4, 8}) BOOST_TEST(same_bits(run(threads), alone));
}

// Gas torn apart, without limiter and with the longest steps: some steps must be repeated, in any tile, and
// what they leave is positive.
BOOST_AUTO_TEST_CASE(inadmissible_steps_are_repeated) {
  const auto least_pressure = [](const Solver& solver, const auto& gas) {
    constexpr int n = std::remove_cvref_t<decltype(gas)>::equations;
    const Tensor q = solver.values();
    double least = 1;
    for (std::int64_t i = 0; i < q.shape[0]; ++i) {
      State<double, n> cell;
      for (int c = 0; c < n; ++c) cell[c] = q.at(i * n + c);
      least = std::min(least, gas.primitive(cell)[n - 1]);
    }
    return least;
  };
  const Euler<2> plane;
  Solver two(plane, Grid2D{{100, 64}, {0, 0}, {1, 1}, {out, out, out, out}},
             [&](double x, double y) {
               return plane.conserved(State<double, 4>{1, x < 0.5 && y < 0.3 ? -20.0 : 20.0, 0, 0.4});
             },
             {.limiter = Limiter::none, .cfl = 1});
  two.advance(0.005);
  BOOST_TEST(two.corrections() > 0);
  BOOST_TEST(least_pressure(two, plane) > 0);

  const Euler<1> line{.gamma = 3};
  Solver one(line, Grid1D{1500, 0, 1, {out, out}},
             [&](double x) {
               return line.conserved(State<double, 3>{1, x < 0.2 ? -20.0 : 20.0, 0.4});
             },
             {.limiter = Limiter::superbee, .cfl = 1});
  one.advance(0.003);
  one.advance(0.01);
  BOOST_TEST_MESSAGE(one.corrections() << " corrections in " << one.steps() << " steps");
  BOOST_TEST(one.time() == 0.01);
  BOOST_TEST(one.corrections() > 0);
  BOOST_TEST(one.corrections() < one.steps());
  BOOST_TEST(least_pressure(one, line) > 0);
}

// A step that should have ended at an output time and was repeated with half its length has not got there.
BOOST_AUTO_TEST_CASE(a_repeated_step_does_not_land) {
  const Euler<1> gas{.gamma = 3};
  Solver solver(gas, Grid1D{199, 0, 1, {out, out}},
                [&](double x) {
                  return gas.conserved(State<double, 3>{1, x < 0.5 ? -20.0 : 20.0, 0.4});
                },
                {.limiter = Limiter::superbee, .cfl = 1});
  std::int64_t repeated = 0;
  for (int k = 1; k <= 100; ++k) {  // times so near to each other that each is one step away
    const std::int64_t steps = solver.steps(), corrections = solver.corrections();
    solver.advance(1e-4 * k);
    if (solver.corrections() == corrections) continue;
    ++repeated;
    BOOST_TEST(solver.steps() - steps >= 2);
  }
  BOOST_TEST(repeated > 0);
}

// Speeds that leave no step to take are an error, not a run without end.
BOOST_AUTO_TEST_CASE(a_run_that_cannot_end_stops) {
  Solver solver(Burgers<1>{}, Grid1D{50}, [](double x) { return x < 0.5 ? 1e100 : 0.0; });
  BOOST_CHECK_THROW(solver.advance(1), SolverError);
}

// The fastest cell decides, wherever it lies in its row of packs.
BOOST_AUTO_TEST_CASE(the_fastest_cell_bounds_the_step) {
  for (std::int64_t n = 8; n <= 18; ++n)
    for (std::int64_t fastest = 0; fastest < n; ++fastest)
      for (const double cfl : {0.9, 0.45}) {
        Solver solver(Burgers<1>{}, Grid1D{n, 0, 1, {out, out}},
                      [&](double x) {
                        return static_cast<std::int64_t>(x * static_cast<double>(n)) == fastest ? 4.0 : 1.0;
                      },
                      {.cfl = cfl});
        solver.step(100);
        BOOST_TEST(std::abs(solver.time() - cfl / (4 * static_cast<double>(n))) < 1e-15);
      }
}

BOOST_AUTO_TEST_CASE(a_velocity_field_bounds_the_step_by_its_fastest_cell) {
  for (const double lean : {5.0, -5.0}) {  // the fastest faces lie at the top, or at the bottom
    const StreamAdvection flow{[=](double x, double y) { return std::sin(2 * M_PI * x) * std::exp(lean * y); },
                               {}};
    const Grid grid = Grid2D{{12, 9}, {0, 0}, {1, 2}, {Boundary::periodic, Boundary::periodic, out, out}};
    Solver solver(flow, grid, [](double, double) { return 1.0; });
    double rate = 0;
    for (int j = 0; j < 9; ++j)
      for (int i = 0; i < 12; ++i) {
        const auto corner = [&](int a, int b) { return Point{grid.place(0, i + a), grid.place(1, j + b)}; };
        const auto speed = [&](int axis, const Point& a, const Point& b) {
          return std::abs(flow.face_velocity(axis, a, b));
        };
        const double u = std::max(speed(0, corner(0, 0), corner(0, 1)), speed(0, corner(1, 0), corner(1, 1)));
        const double v = std::max(speed(1, corner(0, 0), corner(1, 0)), speed(1, corner(0, 1), corner(1, 1)));
        rate = std::max(rate, u / grid.size(0) + v / grid.size(1));
      }
    solver.step(100);
    BOOST_TEST(std::abs(solver.time() * rate / 0.9 - 1) < 1e-12);
  }
}

// Between periodic sides no place is special, wherever rows and tiles end.
BOOST_AUTO_TEST_CASE(a_shifted_problem_has_a_shifted_solution) {
  for (const std::int64_t n : {9, 10, 14, 15, 16, 17, 22, 23, 24, 1023, 1030}) {
    const std::int64_t by = 3;
    const auto solve = [&](std::int64_t shift) {
      const auto value = [&](double x) {
        const auto i = (static_cast<std::int64_t>(x * static_cast<double>(n)) + shift) % n;
        return std::array{1 + std::sin(static_cast<double>(i * i)), std::cos(static_cast<double>(5 * i))};
      };
      Solver solver(Acoustics<1>{1, 4}, Grid1D{n}, value, {.limiter = Limiter::van_leer});
      for (int k = 0; k < 5; ++k) solver.step(100);
      return solver.values();
    };
    const Tensor a = solve(0), b = solve(by);
    double largest = 0;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t c = 0; c < 2; ++c)
        largest = std::max(largest, std::abs(a.at((i + by) % n * 2 + c) - b.at(i * 2 + c)));
    BOOST_TEST(largest < 1e-13, n << " cells: " << largest);
  }
}

// Beyond an open side lies what lies at it: what flows in is no different.
BOOST_AUTO_TEST_CASE(open_sides_continue_the_last_cell) {
  for (const double a : {1.0, -1.0}) {
    Solver solver(Advection<1>{{a}}, Grid1D{20, 0, 1, {out, out}}, [](double x) { return x * x; },
                  {.limiter = Limiter::zero});
    const std::int64_t first = a > 0 ? 0 : 19;
    const double before = solver.values().at(first);
    solver.step(100);
    BOOST_TEST(std::abs(solver.values().at(first) - before) < 1e-15);
    BOOST_TEST(std::abs(solver.values().at(10) - 0.525 * 0.525) > 1e-3);
  }
}

// A sound wave leaves through open sides and does not come back.
BOOST_AUTO_TEST_CASE(waves_leave_through_open_sides) {
  for (const double direction : {1.0, -1.0}) {
    Solver solver(Acoustics<1>{1, 1}, Grid1D{200, 0, 1, {out, out}},
                  [&](double x) {
                    const double p = std::exp(-200 * (x - 0.5) * (x - 0.5));
                    return std::array{p, direction * p};
                  },
                  {.limiter = Limiter::none});
    solver.advance(1.5);
    BOOST_TEST(max_abs(solver.values()) < 1e-3);
  }
}

// The same flow with x and y exchanged.
BOOST_AUTO_TEST_CASE(a_swirl_turned_over_is_the_same) {
  const auto q0 = [](double x, double y) { return std::sin(3 * x) + std::cos(7 * y) + (x + 2 * y < 1.2); };
  const StreamAdvection there = swirl();
  const StreamAdvection back{[there](double x, double y) { return -there.psi(y, x) * (1 + x); }, there.g};
  const StreamAdvection forth{[there](double x, double y) { return there.psi(x, y) * (1 + y); }, there.g};
  const std::array<Boundary, 4> sides{out, out, out, out};
  Solver a(forth, Grid2D{{30, 44}, {0, 0}, {1, 1}, sides}, q0);
  Solver b(back, Grid2D{{44, 30}, {0, 0}, {1, 1}, sides}, [&](double x, double y) { return q0(y, x); });
  a.advance(0.7);
  b.advance(0.7);
  double largest = 0;
  for (std::int64_t j = 0; j < 44; ++j)
    for (std::int64_t i = 0; i < 30; ++i)
      largest = std::max(largest, std::abs(a.values().at(j * 30 + i) - b.values().at(i * 44 + j)));
  BOOST_TEST(largest < 1e-12);
}

// Velocities count inside the domain and on its sides only; a flow through periodic sides comes in as it went
// out.
BOOST_AUTO_TEST_CASE(a_stream_across_periodic_sides) {
  const StreamAdvection across{[](double x, double y) { return std::sin(2 * M_PI * x) / 10 - y; }, {}};
  Solver solver(across, Grid2D{{40, 40}}, [](double x, double y) { return 1 + std::sin(2 * M_PI * (x + y)); },
                {.limiter = Limiter::none});
  const double before = solver.integral()[0];
  solver.advance(1);
  BOOST_TEST(std::abs(solver.integral()[0] - before) < 1e-13);
  const StreamAdvection inside_only{[](double x, double y) { return std::sqrt(x * (1 - x) * y * (1 - y)); },
                                    {}};
  Solver(inside_only, Grid2D{{20, 20}, {0, 0}, {1, 1}, {out, out, out, out}},
         [](double, double) { return 1.0; });
}

// Local Lax-Friedrichs makes no new extrema, whichever side is faster.
BOOST_AUTO_TEST_CASE(lax_friedrichs_takes_the_faster_side) {
  for (const bool right : {false, true}) {
    Solver solver(elsewhere::Cubic{}, Grid1D{60, 0, 1, {out, out}},
                  [&](double x) { return (x < 0.5) == right ? 0.1 : 1.5; },
                  {.limiter = Limiter::zero, .cfl = 1});
    solver.advance(0.15);
    const Tensor u = solver.values();
    for (std::int64_t i = 0; i < 60; ++i) BOOST_TEST((u.at(i) > 0.1 - 1e-12 && u.at(i) < 1.5 + 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(bad_use_is_refused) {
  const auto refused = [](const std::string& words, const auto& action) {
    const std::string message = message_of(action);
    BOOST_TEST(message.find(words) != std::string::npos,
               "'" << message << "' says nothing of '" << words << "'");
    BOOST_TEST(message.find('\n') == std::string::npos);
  };
  refused("wall", [] { Solver(Burgers<1>{}, Grid1D{50, 0, 1, {wall, wall}}, one); });
  refused("periodic", [] { Solver(Burgers<1>{}, Grid1D{50, 0, 1, {Boundary::periodic, out}}, one); });
  refused("2 dimensions", [] { Solver(Burgers<2>{}, Grid1D{50}, one); });
  refused("3 cells", [] { Solver(Burgers<1>{}, Grid1D{3}, one); });
  refused("domain", [] { Solver(Burgers<1>{}, Grid1D{50, 1, 1}, one); });
  refused("cfl", [] { Solver(Burgers<1>{}, Grid1D{50}, one, {.cfl = 1.5}); });
  refused("dt_max", [] { Solver(Burgers<1>{}, Grid1D{50}, one, {.dt_max = 0}); });
  refused("nan", [] { Solver(Burgers<1>{}, Grid1D{50}, [](double x) { return std::sqrt(0.5 - x); }); });
  refused("admissible", [] {
    Solver(Euler<1>{}, Grid1D{50}, [](double x) { return std::array{x - 0.5, 0.0, 1.0}; });
  });
  refused("velocity", [] {
    Solver(StreamAdvection{.psi = [](double x, double) { return 1 / (x - 0.5) / (x - 0.5); }, .g = {}},
           Grid2D{{10, 10}}, [](double, double) { return 1.0; });
  });
  refused("periodic side", [] {
    const StreamAdvection hill{[](double x, double y) { return std::exp(-3 * (x - 0.3) * (x - 0.3) - y * y); },
                               {}};
    Solver(hill, Grid2D{{20, 20}}, [](double, double) { return 1.0; });
  });
  refused("factor", [] {
    StreamAdvection fast = swirl();
    fast.g = [](double) { return 4.0; };
    Solver(fast, Grid2D{{20, 20}, {0, 0}, {1, 1}, {out, out, out, out}}, [](double, double) {
      return 1.0;
    }).advance(1);
  });
  refused("3 equations", [] { Solver(Euler<1>{}, Grid1D{50}, one); });
  refused("has 40 numbers",
          [] { Solver(Burgers<1>{}, Grid1D{50}, [](double) { return std::array<double, 40>{}; }); });
  Grid rows = Grid1D{50};
  rows.cells[1] = 3;
  refused("3 rows", [&] { Solver(Burgers<1>{}, rows, one); });
  BOOST_CHECK_THROW(boundary_named("reflecting"), InputError);
  BOOST_TEST((boundary_named("wall") == Boundary::wall));
}

BOOST_AUTO_TEST_SUITE_END()
