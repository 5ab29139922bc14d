// A sine that is carried along fast.
//
//   u_t + beta u_x = 0  on [0, 2 pi], periodic, 0 <= t <= 1, u(x,0) = sin x; beta = 30.
//
// The solution is sin(x - beta t). Physics-informed networks are known to fail here (Krishnapriyan et al.,
// Characterizing possible failure modes in physics-informed neural networks, 2021): a solution that fades away
// over a time tau has a mean residual of 1 / (4 beta^2 tau) only, in units of u_x, so that a network that has
// begun with a small u far from t = 0 sees little reason to change. Three things help, all of them needed.
// The time that is learned grows while the rate of learning stays, so that u is nowhere guessed long before it
// is known; sines whose first layer is as much faster in time as the equation asks for; and last, where only
// the amplitude is wrong and the problem is nearly linear, some steps of Gauss and Newton's method.
// Nothing is built in: initial state and period are terms of the loss.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/reference.h>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace lowtide;

LOWTIDE_CASE(pinn_convection1d, "a sine that is carried along fast, from its equation alone", "siren-xt") {
  const double beta = run.param("beta", 30.0, "speed", 1e-3, 1e4);
  const double t_end = run.param("t_end", 1.0, "final time", 1e-6, 1e6);
  Pinn pinn{.box = {{0, 0}, {2 * std::numbers::pi, t_end}}, .inputs = {"x", "t"}};
  pinn.equation([beta](const Jet& u) { return (1 / beta) * u.d(1) + u.d(0); });
  pinn.initial(10, [](const Jet& u) { return u() - sin(u.x(0)); });
  pinn.periodic(10, 0);
  run.learning({.width = 40, .rank = 16, .depth = 4, .frequency = 5});
  run.equation(pinn, {.points = 1000,
                      .redraw = 25,
                      .over = 0,
                      .grow = .9,
                      .stretch = std::clamp(beta * t_end / 3, 1.0, 1e3),
                      .lr = 3.5e-3,
                      .steps = 3000,
                      .gauss_newton = 80});
  return run.reference([&] {
    return on_grid(reference_grid(pinn, {200}, 41), [&](const double* x, double t, const auto&, double* u) {
      u[0] = std::sin(x[0] - beta * t);
    });
  });
}
