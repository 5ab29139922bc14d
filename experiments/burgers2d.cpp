// A square that becomes a shock.
//
//   u_t + (u^2/2)_x + (u^2/2)_y = 0  on the periodic unit square, u = 1 in (0.1, 0.6)^2 and 0.1 elsewhere at
//   first.
//
// Two sides of the square are shocks that run along the diagonal, the other two open as rarefactions, which
// catch up with the shocks; across the periodic sides all of it meets itself again.
#include <lowtide/experiments/case.h>

using namespace lowtide;

LOWTIDE_CASE(burgers2d, "a square of Burgers' equation that becomes a shock") {
  const double inside = run.param("inside", 1.0, "value in the square");
  const double outside = run.param("outside", 0.1, "value elsewhere");
  const std::int64_t cells =
      run.param("cells", run.preset(100, 200, 200), "cells a side of the finest level", 4);
  const auto initial = [&](double x, double y) {
    return x > 0.1 && x < 0.6 && y > 0.1 && y < 0.6 ? inside : outside;
  };
  run.learning({.width = run.preset(128, 256, 2000),
                .rank = run.preset(24, 48, 170),
                .depth = 4,
                .hyper_width = run.preset(25, 10),
                .hyper_depth = 3,
                .head = "relu",
                .epochs = run.preset(60, 15, 15),
                .l1_epochs = run.preset(20, 5, 5),
                .batch = 1,
                .gamma = 1.05,
                .sparse = 2.71e-11,
                .tau = 5e-3});
  return run.snapshots(pde::Burgers<2>{}, pde::Grid2D{{cells, cells}}, initial,
                       {.t_end = 2.5,
                        .limiter = pde::Limiter::van_leer,
                        .refinement = {.ratios = {2, 2}, .tolerance = 0.05, .buffer = 3}});
}
