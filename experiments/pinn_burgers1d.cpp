// A sine that steepens, with a little viscosity.
//
//   u_t + u u_x = nu u_xx  on [-1,1], 0 <= t <= 1, u(x,0) = -sin(pi x), u = 0 at both ends; nu = 0.01 / pi.
//
// The solution is known: u = -2 nu phi_x / phi with a solution phi of the heat equation (Hopf 1950, Cole 1951).
// Initial and boundary values are built in, u = -sin(pi x) + t (1 - x^2) network.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/reference.h>
#include <lowtide/physics/exact_burgers.h>

#include <numbers>

using namespace lowtide;

LOWTIDE_CASE(pinn_burgers1d, "Burgers' equation with viscosity, from its equation alone", "mlp") {
  const double nu = run.param("nu", 0.01 / std::numbers::pi, "viscosity", 1e-3, 1e3);
  const double t_end = run.param("t_end", 1.0, "final time", 1e-6, 1e6);
  Pinn pinn{.box = {{-1, 0}, {1, t_end}}, .inputs = {"x", "t"}};
  pinn.trial = [](const Var& at, const Var& network) {
    const Var x = column(at, 0), t = column(at, 1);
    return t * (1.0 - square(x)) * network - sin(std::numbers::pi * x);
  };
  pinn.equation([nu](const Jet& u) { return u.d(1) + u() * u.d(0) - nu * u.d(0, 0); });
  run.learning({.width = 40, .rank = 16, .depth = 5, .frequency = 5});
  run.equation(pinn, {.points = 2000, .lr = 3e-3, .steps = 8000});
  return run.reference([&] {
    return on_grid(reference_grid(pinn, {200}, 41), [&](const double* x, double t, const auto&, double* u) {
      u[0] = burgers_of_sine(x[0], t, nu);
    });
  });
}
