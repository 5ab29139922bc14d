#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/pde/law_kernels.h>

#include "support.h"

#include <boost/test/unit_test.hpp>
#include <string>

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

// Gas torn apart faster than the scheme can follow: shorter steps, no negative density.
BOOST_AUTO_TEST_CASE(inadmissible_steps_are_repeated) {
  const Euler<1> gas;
  Solver solver(gas, Grid1D{100, 0, 1, {out, out}},
                [&](double x) {
                  return gas.conserved(State<double, 3>{1, x < 0.5 ? -20.0 : 20.0, 0.4});
                },
                {.limiter = Limiter::none, .cfl = 1});
  solver.advance(0.01);
  BOOST_TEST_MESSAGE(solver.corrections() << " corrections in " << solver.steps() << " steps");
  const Tensor q = solver.values();
  for (std::int64_t i = 0; i < 100; ++i)
    BOOST_TEST(gas.primitive(State<double, 3>{q.at(3 * i), q.at(3 * i + 1), q.at(3 * i + 2)})[2] > 0);
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
  BOOST_CHECK_THROW(boundary_named("reflecting"), InputError);
  BOOST_TEST((boundary_named("wall") == Boundary::wall));
}

BOOST_AUTO_TEST_SUITE_END()
