// A hump that becomes a shock.
//
//   u_t + (u^2/2)_x = 0 on (0, 1), 0 <= t <= 0.8, u = sin^2(pi (x - 0.1) / 0.4) in (0.1, 0.5) and 0 elsewhere
//   at first.
//
// The shock forms at t = 0.127, to the right of the crest, and has come to x = 0.67 at the end; nothing reaches
// the ends of the interval, as Theorem 3.4 of the LRNR paper asks for. The solution is exact (Lax and Hopf).
// The theorem's networks:
//   --set model.ranks=1,2,1,1,1,1,1,2,2,0 --set model.activation=relu, and for general terms --set
//   model.term_rank=WIDTH.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/reference.h>
#include <lowtide/physics/lax_hopf.h>

#include <cmath>
#include <numbers>

using namespace lowtide;

LOWTIDE_CASE(burgers1d, "a hump of Burgers' equation that becomes a shock, by a formula") {
  const std::int64_t cells = run.param("cells", run.preset(400, 2000), "cells", 4, 1000000);
  const std::int64_t frames = run.param("frames", 81, "times", 3, 100000);
  const double t_end = run.param("t_end", 0.8, "final time", 1e-6, 2.0);
  run.learning({.width = 64, .rank = 16});
  return run.imported([&] {
    const auto hump = [](double x) {
      const double s = x > 0.1 && x < 0.5 ? std::sin(std::numbers::pi * (x - 0.1) / 0.4) : 0;
      return s * s;
    };
    const LaxHopf exact(hump, 0.1, 0.5);
    ReferenceGrid grid{.box = {{0}, {1}}, .cells = {cells}};
    grid.times = to_vector(linspace(0, t_end, frames, Dtype::f64));
    return on_grid(grid, [&](const double* x, double t, const auto&, double* u) { u[0] = exact(x[0], t); });
  });
}
