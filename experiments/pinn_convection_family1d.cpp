// A wave that is carried along at any speed of a range, for a network whose coefficients know the speed.
//
//   u_t + beta u_x = 0  on [0, 2 pi], periodic, 0 <= t <= 1, u(x,0) = sin(x);  u = sin(x - beta t).
//
// At beta = 10 the wave passes 1.6 times; plain networks that learn an equation are known to fail on large beta
// (Krishnapriyan et al. 2021). The initial values are built in, u = sin(x) + t network; periodicity is asked
// for.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/parameter_family.h>
#include <lowtide/io/file.h>

#include <cmath>
#include <numbers>

using namespace lowtide;

LOWTIDE_CASE(pinn_convection_family1d, "convection at any speed of a range, from its equation alone", "lrnr") {
  const double low = run.param("beta_low", 5.0, "least speed", -1e3, 1e3);
  const double high = run.param("beta_high", 15.0, "largest speed", -1e3, 1e3);
  const std::int64_t count = run.param("train_values", 6, "speeds that are trained on", 1, 1000);
  if (!(low < high)) throw InputError("beta_low must be less than beta_high");
  const double length = 2 * std::numbers::pi;
  const std::vector<double> values = evenly(low, high, count);
  const std::vector<double> unseen = new_values(run, values);

  Pinn pinn{.box = {{0, 0}, {length, 1}}, .inputs = {"x", "t"}};
  pinn.parameters = {"beta"};
  pinn.parameter_box = {{low}, {high}};
  pinn.training = as_parameters(values);
  pinn.trial = [](const Var& at, const Var& network) { return sin(column(at, 0)) + column(at, 1) * network; };
  pinn.equation([](const Jet& u) { return u.d(1) + u.mu(0) * u.d(0); });
  pinn.side("periodic", 10, 0, Pinn::End::low, [length](const Jet& u) {
    const Var& here = u.x();
    Tensor period({1, 2}, here.dtype());
    dispatch(period.dtype, [&](auto zero) {
      period.mutable_data<decltype(zero)>()[0] = static_cast<decltype(zero)>(length);
      period.mutable_data<decltype(zero)>()[1] = 0;
    });
    return u() - u.at(here + Var(period));
  });
  run.learning({.width = 128, .rank = 16, .depth = 5});
  run.equation(pinn, {.points = 400, .lr = 3e-3, .steps = 6000});
  return run.reference([&] {
    return family_on_grid(
        pinn, reference_grid(pinn, {128}, 21), unseen,
        [](const double* x, double t, const auto& mu, double* u) { u[0] = std::sin(x[0] - mu[0] * t); });
  });
}
