// A step that a vortex rolls up and brings back.
//
//   q_t + (u q)_x + (v q)_y = 0  on the unit square, u = -psi_y g(t), v = psi_x g(t),
//   psi = sin^2(pi x) sin^2(pi y) / pi,  g = cos(2 pi t / 4),  q = 1 for y < 1/2 and 0 above at first.
//
// The flow turns round at t = 1 and has undone everything at t = 2 and 4. It vanishes on all sides; those at y
// = 0 and 1 are open so that the step from 1 to 0 across them is not taken for one in the solution.
#include <lowtide/experiments/case.h>

#include <cmath>

using namespace lowtide;

LOWTIDE_CASE(advection2d, "a step in a vortex that turns back") {
  const double period = run.param("period", 4.0, "of the flow; at half of it all is as before", 1e-3, 1e3);
  const pde::StreamAdvection vortex{.psi =
                                        [](double x, double y) {
                                          const double a = std::sin(M_PI * x), b = std::sin(M_PI * y);
                                          return a * a * b * b / M_PI;
                                        },
                                    .g = [=](double t) { return std::cos(2 * M_PI * t / period); }};
  const std::int64_t cells =
      run.param("cells", run.preset(160, 320, 320), "cells a side of the finest level", 4);
  constexpr auto periodic = pde::Boundary::periodic, open = pde::Boundary::outflow;
  const pde::Grid2D square{{cells, cells}, {0, 0}, {1, 1}, {periodic, periodic, open, open}};
  const auto initial = [](double, double y) { return y < 0.5 ? 1.0 : 0.0; };
  run.learning({.width = run.preset(128, 256, 2000),
                .rank = run.preset(24, 48, 180),
                .depth = 4,
                .hyper_width = run.preset(25, 10),
                .hyper_depth = 3,
                .head = "relu",
                .epochs = run.preset(60, 15, 15),
                .l1_epochs = run.preset(20, 5, 5),
                .batch = 1,
                .gamma = 1.065,
                .sparse = 3.48e-10,
                .tau = 5e-3});
  return run.snapshots(
      vortex, square, initial,
      {.t_end = 4, .dt_max = period / 40, .refinement = {.ratios = {2, 4}, .tolerance = 0.05, .buffer = 2}});
}
