#include <lowtide/experiments/poisson_on_square.h>
#include <lowtide/experiments/reference.h>

#include <cmath>

namespace lowtide {
namespace {

Var solution(const Var& x, const Var& y) { return (1.0 - x) * (1.0 - y) * sin(5.0 * y); }

// (1-x) u(0,y) + x u(1,y) + (1-y) u(x,0) + y u(x,1), less what is counted twice in the corners, is
// (1-x) u(0,y), as u = 0 at the other three sides.
Var lifted(const Var& at, const Var& network) {
  const Var x = column(at, 0), y = column(at, 1);
  return (1.0 - x) * solution(0.0 * x, y) + x * (1.0 - x) * y * (1.0 - y) * network;
}

}  // namespace

Pinn poisson_on_square(bool lift) {
  Pinn pinn{.box = {{0, 0}, {1, 1}}, .inputs = {"x", "y"}};
  pinn.equation([](const Jet& u) {
    const Var x = u.x(0), y = u.x(1);
    return u.laplacian() - 10.0 * (x - 1.0) * cos(5.0 * y) + 25.0 * (x - 1.0) * (y - 1.0) * sin(5.0 * y);
  });
  if (lift) {
    pinn.trial = lifted;
    return pinn;
  }
  const Residual misfit = [](const Jet& u) { return u() - solution(u.x(0), u.x(1)); };
  constexpr double weight = 100, share = 1. / 16;
  pinn.side("left", weight, 0, Pinn::End::low, misfit, share);
  pinn.side("right", weight, 0, Pinn::End::high, misfit, share);
  pinn.side("bottom", weight, 1, Pinn::End::low, misfit, share);
  pinn.side("top", weight, 1, Pinn::End::high, misfit, share);
  return pinn;
}

Snapshots poisson_on_square_solution(CaseRun& run, const Pinn& pinn) {
  return run.reference([&] {
    return on_grid(reference_grid(pinn, {100, 100}), [](const double* x, double, const auto&, double* u) {
      u[0] = (1 - x[0]) * (1 - x[1]) * std::sin(5 * x[1]);
    });
  });
}

}  // namespace lowtide
