// Exact waves from a Gaussian at the origin, in one to three dimensions of free space:
//   u_tt = speed^2 Laplacian u,  u = exp(-r^2 / (2 deviation^2)),  u_t = velocity exp(-r^2 / (2 deviation^2))
//   at t = 0.
#pragma once

namespace lowtide {

struct RadialWave {
  int dims = 1;
  double deviation = 0.25, velocity = 0, speed = 1;
};

struct RadialValue {
  double u = 0, u_r = 0, u_t = 0;
};
// At distance r and time t. In one dimension by d'Alembert's formula, in three by that for r u, in two by
// Hankel's integral over wave numbers, to about 1e-8.
RadialValue radial_wave(const RadialWave& wave, double r, double t);

}  // namespace lowtide
