// A narrow bump that travels along the diagonal.
//
//   u_t = u_x + u_y  on [-1,1]^2, u = 0 at the walls, u(x,0) = exp(-|x|^2 / 2 s^2) / (60 pi s^2), s = 0.05;
//   0 <= t <= 1/2.
//
// The solution is u(x + t (1,1), 0): the bump is on its way to a corner and does not reach it.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolution_reference.h>

using namespace lowtide;

LOWTIDE_CASE(ivp_advection2d, "a travelling bump, by a network whose parameters move", "embedded") {
  const double s = run.param("width", 0.05, "standard deviation of the bump", 0.01, 0.2);
  const double t_end = run.param("t_end", 0.5, "final time", 1e-3, 0.6);
  const double amplitude = bump_amplitude(s);
  InitialValueProblem problem{.dims = 2, .t_end = t_end};
  problem.initial = [=](const Tensor& x) { return gaussian(x, amplitude, s); };
  problem.rate = [](const Jet& u, double) { return u.d(0) + u.d(1); };
  run.evolution(problem, {.width = 64, .size = 18, .over = 20, .fit_steps = 120});
  return run.reference([&] {
    ReferenceFrames frames{.times = times_to(t_end, 11)};
    frames.solution = [=](double t) {
      return [=](const double* x, double* u) {
        u[0] = gaussian(from({1, 2}, {x[0] + t, x[1] + t}), amplitude, s).at(0);
      };
    };
    return on_square(frames, 100);
  });
}
