// Poisson's equation on the unit square.
//
//   u_xx + u_yy = 10 (x - 1) cos 5y - 25 (x - 1)(y - 1) sin 5y,  u given at the sides; u = (1-x)(1-y) sin 5y.
//
// This is the problem of networks with singular value decompositions (Kurniati et al., ANN-SVD), which build
// the sides in, u = A(x,y) + x (1-x) y (1-y) network, with A the transfinite interpolation of what is given at
// the sides. There is a trap: the solution is a product of a function that is linear in x and one of y, and
// such an interpolation gives it back exactly, so that A is the solution and the network has nothing to learn
// but zero. Here the sides are terms of the loss, and what is measured has been learned; `lift=true` is
// theirs, to compare with. Their network is that of annsvd_poisson2d.
#include <lowtide/experiments/poisson_on_square.h>

using namespace lowtide;

LOWTIDE_CASE(pinn_poisson2d, "Poisson's equation on a square, from the equation alone", "mlp") {
  const bool lift = run.param("lift", false, "build in the sides by a lift, which here is the solution itself");
  const Pinn pinn = poisson_on_square(lift);
  run.learning({.width = 32, .rank = 16, .depth = 4, .frequency = 5});
  run.equation(pinn, {.points = 1000, .lr = 3e-3, .steps = 4000, .gauss_newton = 20});
  return poisson_on_square_solution(run, pinn);
}
