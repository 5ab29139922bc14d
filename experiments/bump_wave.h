// A bump at rest that becomes a ring or a shell, as a problem for networks that follow an equation:
//
//   u_tt = c^2 Laplacian u  on [-1,1]^d, u = 0 at the walls, u_t(x,0) = 0,
//   u(x,0) = exp(-|x|^2 / 2 s^2) / (60 pi s^2).
//
// As a system of first order, but not for u_t, which is zero at first: a network that has learned zero has a
// head of zeros, and no layer before it can move the field. In its place y = u + (s / c) u_t, which begins as u
// does.
#pragma once
#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/experiments/ivp_options.h>

namespace lowtide {

struct BumpWave {
  std::int64_t dims = 2;
  double deviation = 0.05, speed = 1, t_end = 1;  // s and c
};

InitialValueProblem bump_wave_problem(const BumpWave& wave);
// Waves ask for parts of M far below what conjugate gradients resolve, of networks that are small enough for
// all of M.
IvpOptions bump_wave_options();
// u and y: a sum of products of sines, each of which swings with its own frequency.
ReferenceFrames bump_wave_frames(const BumpWave& wave);

}  // namespace lowtide
