// A narrow bump that spreads.
//
//   u_t = k (u_xx + u_yy)  on [-1,1]^2, u = 0 at the walls, u(x,0) = exp(-|x|^2 / 2 s^2) / (60 pi s^2), s =
//   0.05, k = 0.05; 0 <= t <= 1/2, by when the peak has fallen to a twentieth.
//
// The bump is a product, hence so is the solution: u = A g(x,t) g(y,t) with the sine series of g.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/physics/sine_series.h>

#include <cmath>

using namespace lowtide;

LOWTIDE_CASE(ivp_heat2d, "a bump of heat, by a network whose parameters move", "embedded") {
  const double s = run.param("width", 0.05, "standard deviation of the bump", 0.01, 0.2);
  const double k = run.param("diffusion", 0.05, "diffusivity", 1e-6, 10);
  const double t_end = run.param("t_end", 0.5, "final time", 1e-3, 10);
  const double amplitude = bump_amplitude(s);
  InitialValueProblem problem{.dims = 2, .t_end = t_end};
  problem.initial = [=](const Tensor& x) { return gaussian(x, amplitude, s); };
  problem.rate = [k](const Jet& u, double) { return k * u.laplacian(); };
  run.evolution(problem, {.width = 48, .fresh_after = 1, .shift = 1e-7});
  return run.reference([&] {
    const SineSeries g = sine_series([s](double x) { return std::exp(-x * x / (2 * s * s)); }, 400);
    ReferenceFrames frames{.times = times_to(t_end, 11)};
    frames.solution = [=](double t) {
      return [=](const double* x, double* u) {
        u[0] = amplitude * g.diffused(x[0], k, t) * g.diffused(x[1], k, t);
      };
    };
    return on_square(frames, 100);
  });
}
