// A smooth field of waves, known exactly.
//
//   u_tt = u_xx + u_yy on the square [-1,1]^2, 0 <= t <= 1: two waves that travel and two that stand.
//
// No solver and no shocks: what is learned is a smooth function of x, y and t, and errors are those of the
// network alone. Meant for weights in fewer bytes (docs/compression.md), so the default model is a SIREN wide
// enough to be worth it.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/reference.h>

#include <cmath>

using namespace lowtide;

namespace {

constexpr double pi = M_PI;

double travelling(double kx, double ky, double phase, double x, double y, double t) {
  return std::cos(pi * (kx * x + ky * y - std::hypot(kx, ky) * t) + phase);
}

double standing(double kx, double ky, double x, double y, double t) {
  return std::sin(pi * kx * (x + 1) / 2) * std::sin(pi * ky * (y + 1) / 2) *
         std::cos(pi * std::hypot(kx, ky) / 2 * t);
}

double field(double x, double y, double t) {
  return travelling(2, 1, 0.3, x, y, t) + .7 * travelling(-1, 3, 1.1, x, y, t) + .8 * standing(3, 2, x, y, t) +
         .5 * standing(1, 5, x, y, t);
}

}  // namespace

LOWTIDE_CASE(wavefield2d, "travelling and standing waves on a square, by a formula", "siren-xt") {
  const std::int64_t cells = run.param("cells", 64, "cells a side", 4, 4096);
  const std::int64_t frames = run.param("frames", 33, "times", 3, 100000);
  const double t_end = run.param("t_end", 1.0, "final time", 1e-6, 1e6);
  run.learning({.width = 512, .rank = 16, .depth = 5, .frequency = 10, .epochs = 10, .l1_epochs = 0});
  return run.imported([&] {
    ReferenceGrid grid{.box = {{-1, -1}, {1, 1}}, .cells = {cells, cells}};
    grid.times = to_vector(linspace(0, t_end, frames, Dtype::f64));
    return on_grid(grid,
                   [](const double* x, double t, const auto&, double* u) { u[0] = field(x[0], x[1], t); });
  });
}
