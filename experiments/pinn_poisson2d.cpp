// Poisson's equation on the unit square.
//
//   u_xx + u_yy = 10 (x - 1) cos 5y - 25 (x - 1)(y - 1) sin 5y,  u given at the sides; u = (1-x)(1-y) sin 5y.
//
// This is the problem of networks with singular value decompositions (Kurniati et al., ANN-SVD), which build
// the sides in, u = A(x,y) + x (1-x) y (1-y) network, with A the transfinite interpolation of what is given at
// the sides. There is a trap: the solution is a product of a function that is linear in x and one of y, and
// such an interpolation gives it back exactly, so that A is the solution and the network has nothing to learn
// but zero. Here the sides are terms of the loss, and what is measured has been learned; `lift=true` is
// theirs, to compare with.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/reference.h>

#include <cmath>

using namespace lowtide;

namespace {

Var solution(const Var& x, const Var& y) { return (1.0 - x) * (1.0 - y) * sin(5.0 * y); }

// (1-x) u(0,y) + x u(1,y) + (1-y) u(x,0) + y u(x,1), less what is counted twice in the corners, is
// (1-x) u(0,y), as u = 0 at the other three sides.
Var lifted(const Var& at, const Var& network) {
  const Var x = column(at, 0), y = column(at, 1);
  return (1.0 - x) * solution(0.0 * x, y) + x * (1.0 - x) * y * (1.0 - y) * network;
}

}  // namespace

LOWTIDE_CASE(pinn_poisson2d, "Poisson's equation on a square, from the equation alone", "mlp") {
  const bool lift = run.param("lift", false, "build in the sides by a lift, which here is the solution itself");
  Pinn pinn{.box = {{0, 0}, {1, 1}}, .inputs = {"x", "y"}};
  pinn.equation([](const Jet& u) {
    const Var x = u.x(0), y = u.x(1);
    return u.laplacian() - 10.0 * (x - 1.0) * cos(5.0 * y) + 25.0 * (x - 1.0) * (y - 1.0) * sin(5.0 * y);
  });
  const Residual misfit = [](const Jet& u) { return u() - solution(u.x(0), u.x(1)); };
  if (lift) {
    pinn.trial = lifted;
  } else {
    constexpr double weight = 100, share = 1. / 16;
    pinn.side("left", weight, 0, Pinn::End::low, misfit, share);
    pinn.side("right", weight, 0, Pinn::End::high, misfit, share);
    pinn.side("bottom", weight, 1, Pinn::End::low, misfit, share);
    pinn.side("top", weight, 1, Pinn::End::high, misfit, share);
  }
  run.learning({.width = 32, .rank = 16, .depth = 4, .frequency = 5});
  run.equation(pinn, {.points = 1000, .lr = 3e-3, .steps = 4000, .gauss_newton = 20});
  return run.reference([&] {
    return on_grid(reference_grid(pinn, {100, 100}), [](const double* x, double, const auto&, double* u) {
      u[0] = (1 - x[0]) * (1 - x[1]) * std::sin(5 * x[1]);
    });
  });
}
