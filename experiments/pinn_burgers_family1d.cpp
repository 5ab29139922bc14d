// A sine that steepens, for any viscosity of a range: fronts from wide to thin.
//
//   u_t + u u_x = nu u_xx  on [-1,1], 0 <= t <= 1, u(x,0) = -sin(pi x), u = 0 at both ends.
//
// The solution is known (Hopf 1950, Cole 1951). Initial and boundary values are built in, as in pinn_burgers1d.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/parameter_family.h>
#include <lowtide/io/file.h>
#include <lowtide/physics/exact_burgers.h>

#include <numbers>

using namespace lowtide;

LOWTIDE_CASE(pinn_burgers_family1d, "Burgers' equation at any viscosity of a range, from its equation alone",
             "lrnr") {
  const double low = run.param("nu_low", .005, "least viscosity", 1e-3, 1e3);
  const double high = run.param("nu_high", .05, "largest viscosity", 1e-3, 1e3);
  const std::int64_t count =
      run.param("train_values", 6, "viscosities that are trained on, each a factor above the last", 1, 1000);
  if (!(low < high)) throw InputError("nu_low must be less than nu_high");
  const std::vector<double> values = by_equal_factors(low, high, count);
  const std::vector<double> unseen = new_values(run, values);

  Pinn pinn{.box = {{-1, 0}, {1, 1}}, .inputs = {"x", "t"}};
  pinn.parameters = {"nu"};
  pinn.parameter_box = {{low}, {high}};
  pinn.training = as_parameters(values);
  pinn.trial = [](const Var& at, const Var& network) {
    const Var x = column(at, 0), t = column(at, 1);
    return t * (1.0 - square(x)) * network - sin(std::numbers::pi * x);
  };
  pinn.equation([](const Jet& u) { return u.d(1) + u() * u.d(0) - u.mu(0) * u.d(0, 0); });
  run.learning({.width = 128, .rank = 16, .depth = 5});
  run.equation(pinn, {.points = 400, .lr = 3e-3, .steps = 6000});
  return run.reference([&] {
    return family_on_grid(
        pinn, reference_grid(pinn, {200}, 21), unseen,
        [](const double* x, double t, const auto& mu, double* u) { u[0] = burgers_of_sine(x[0], t, mu[0]); });
  });
}
