// A ring of sound.
//
//   p_t + K (u_x + v_y) = 0,  rho u_t + p_x = 0,  rho v_t + p_y = 0  on the periodic square [-1, 1]^2,
//   p = 1 + cos(pi (r - 0.5) / 0.2) where |r - 0.5| <= 0.2, else 0, and u = v = 0 at first.
//
// With K = 4 and rho = 1 sound runs at speed 2. The ring splits: one part runs inwards, through the centre and
// out again, the other outwards, where it meets its periodic images from t = 0.15 on. With quarter=true the
// domain is the quarter [0, 1]^2 with a quarter of the ring in its corner (and walls, which by symmetry give
// the same solution, unless other sides are asked for).
#include <lowtide/experiments/case.h>

#include <cmath>

using namespace lowtide;

LOWTIDE_CASE(acoustics2d, "a ring of sound on a periodic square") {
  const pde::Acoustics<2> air{.density = run.param("density", 1.0, "density", 1e-6, 1e6),
                              .bulk_modulus = run.param("bulk_modulus", 4.0, "bulk modulus", 1e-6, 1e6)};
  const bool quarter = run.param("quarter", false, "a quarter of the square");
  const std::int64_t cells =
      run.param("cells", run.preset(100, 200, 200), "cells a side of the finest level", 4);
  const auto side = quarter ? pde::Boundary::wall : pde::Boundary::periodic;
  const double low = quarter ? 0 : -1;
  const pde::Grid2D square{{cells, cells}, {low, low}, {1, 1}, {side, side, side, side}};
  const auto initial = [](double x, double y) {
    const double off = std::hypot(x, y) - 0.5;
    return std::array{std::abs(off) <= 0.2 ? 1 + std::cos(M_PI * off / 0.2) : 0.0, 0.0, 0.0};
  };
  run.learning({.fields = "pressure",
                .width = run.preset(128, 256, 2000),
                .rank = run.preset(24, 48, 190),
                .depth = 4,
                .hyper_width = run.preset(25, 10),
                .hyper_depth = 3,
                .head = "relu",
                .epochs = run.preset(60, 15, 15),
                .l1_epochs = run.preset(20, 5, 5),
                .batch = 1,
                .gamma = 1.05,
                .sparse = 2.35e-8,
                .tau = 5e-3});
  return run.snapshots(air, square, initial,
                       {.t_end = 0.75,
                        .limiter = pde::Limiter::van_leer,
                        .refinement = {.ratios = {2, 2}, .tolerance = 0.2, .buffer = 2}});
}
