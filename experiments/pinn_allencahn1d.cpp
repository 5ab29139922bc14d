// Two phases that separate (Allen and Cahn 1979).
//
//   u_t = 1e-4 u_xx + 5 (u - u^3)  on [-1,1], periodic, 0 <= t <= 1, u(x,0) = x^2 cos(pi x).
//
// Fronts of a width of 0.01 form. Small errors grow like exp(5 t), so the time that is learned grows as it does
// for fast convection; points follow the residual to the fronts. The initial state is built in, u = x^2 cos(pi
// x)
// + t network; the period is a term of the loss. That state has a corner at the ends, which diffusion rounds
// off at once: the slope has to be periodic the more, the later it is.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/reference.h>
#include <lowtide/physics/allen_cahn.h>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace lowtide;

LOWTIDE_CASE(pinn_allencahn1d, "two phases that separate (Allen and Cahn), from their equation alone", "mlp") {
  constexpr double reaction = 5;
  const double diffusion = run.param("diffusion", 1e-4, "which makes the fronts wide", 1e-5, 1.0);
  const double t_end = run.param("t_end", 1.0, "final time", 1e-6, 1e2);
  Pinn pinn{.box = {{-1, 0}, {1, t_end}}, .inputs = {"x", "t"}};
  pinn.trial = [](const Var& at, const Var& network) {
    const Var x = column(at, 0), t = column(at, 1);
    return square(x) * cos(std::numbers::pi * x) + t * network;
  };
  pinn.equation(
      [=](const Jet& u) { return u.d(1) - diffusion * u.d(0, 0) + reaction * u() * (square(u()) - 1.0); });
  pinn.periodic(10, 0, [](const Jet& u) { return u.x(1); });
  run.learning({.width = 40, .rank = 16, .depth = 5, .frequency = 5});
  run.equation(pinn,
               {.points = 1500, .redraw = 50, .grow = .8, .lr = 3.5e-3, .steps = 8000, .gauss_newton = 40});
  return run.reference([&] {
    const auto initial = [](double x) { return x * x * std::cos(std::numbers::pi * x); };
    const ReferenceGrid grid = reference_grid(pinn, {200}, 41);
    const std::vector<PeriodicSeries> u = solve(AllenCahn{diffusion, reaction}, initial, grid.times);
    return on_grid(grid, [&](const double* x, double t, const auto&, double* value) {
      const auto frame = std::lower_bound(grid.times.begin(), grid.times.end(), t) - grid.times.begin();
      value[0] = frame == 0 ? initial(x[0]) : u[static_cast<std::size_t>(frame)](x[0]);
    });
  });
}
