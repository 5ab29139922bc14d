// A bump that becomes a ring.
//
//   u_tt = c^2 Laplacian u  on [-1,1]^2 as u_t = v, v_t = c^2 Laplacian u; u = v = 0 at the walls,
//   u(x,0) = exp(-|x|^2 / 2 s^2) / (60 pi s^2), v(x,0) = 0; s = 0.05, c^2 = 1/10; 0 <= t <= 1.
//
// The solution is a sum of products of sines, each of which swings with its own frequency.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/physics/sine_series.h>

#include <cmath>

using namespace lowtide;

LOWTIDE_CASE(ivp_wave2d, "a bump that becomes a ring, by a network whose parameters move", "embedded") {
  const double s = run.param("width", 0.05, "standard deviation of the bump", 0.01, 0.2);
  const double c = run.param("speed", std::sqrt(0.1), "speed of sound", 1e-3, 1e3);
  const double t_end = run.param("t_end", 1.0, "final time", 1e-3, 100);
  const double amplitude = bump_amplitude(s);
  InitialValueProblem problem{.dims = 2, .fields = 2, .t_end = t_end};
  problem.initial = [=](const Tensor& x) { return gaussian(x, amplitude, s, 2); };
  problem.rate = [=](const Jet& u, double) { return concatenate({u(1), c * c * column(u.laplacian(), 0)}, 1); };
  run.evolution(problem, {});
  return run.reference([&] {
    const SineSeries g =
        sine_series([s](double x) { return std::exp(-x * x / (2 * s * s)); }, modes_of_gaussian(s));
    ReferenceFrames frames{.times = times_to(t_end, 11), .fields = {"u", "v"}};
    frames.solution = [=](double t) {
      return [wave = SineWave(g, 2, amplitude, c, t)](const double* x, double* u) { wave(x, u[0], u[1]); };
    };
    return on_square(frames, 100);
  });
}
