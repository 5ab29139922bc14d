// Two blast waves in a tube (Woodward and Colella 1984).
//
//   rho_t + (rho u)_x = 0,  (rho u)_t + (rho u^2 + p)_x = 0,  E_t + (u (E + p))_x = 0  on [0, 1] between walls,
//   p = (gamma - 1) (E - rho u^2 / 2),  rho = 1, u = 0 at first, and p = 1000, 0.01, 100 left of 0.1, between,
//   right of 0.9.
//
// The shocks meet at t = 0.028 near x = 0.69 and compress the gas thirtyfold; what is left at t = 0.038 are
// seven discontinuities, three of them contacts. The paper shows t = 0.0285, frame 60 of 81.
#include <lowtide/experiments/case.h>

using namespace lowtide;

LOWTIDE_CASE(euler1d, "two blast waves between walls, compressible gas in one dimension") {
  const pde::Euler<1> gas{.gamma = run.param("gamma", 1.4, "ratio of specific heats", 1.01, 10.0)};
  const std::int64_t cells = run.param("cells", run.preset(250, 500, 1000), "cells", 4);
  const pde::Grid1D tube{cells, 0, 1, {pde::Boundary::wall, pde::Boundary::wall}};
  const double left = run.param("left", 1000.0, "pressure left of 0.1", 1e-9, 1e9),
               middle = run.param("middle", 0.01, "pressure between 0.1 and 0.9", 1e-9, 1e9),
               right = run.param("right", 100.0, "pressure right of 0.9", 1e-9, 1e9);
  const auto initial = [&](double x) {
    const double pressure = x < 0.1 ? left : x < 0.9 ? middle : right;
    return gas.conserved(pde::State<double, 3>{1, 0, pressure});
  };
  run.learning({.fields = "density",
                .width = run.preset(128, 512, 1200),
                .rank = run.preset(24, 64, 150),
                .head = "relu",
                .epochs = run.preset(300, 150, 60),
                .l1_epochs = run.preset(100, 50, 20),
                .l1_rate = run.preset(.2, .2, .04),
                .gamma = 1.0005,
                .sparse = 3.65e-18,
                .ortho = 7.76e-3,
                .mollifier = 0.05});
  return run.snapshots(gas, tube, initial, {.t_end = 0.038, .heldout = run.preset(2, 8, 8)});
}
