// A bump that becomes a shell.
//
//   u_tt = c^2 Laplacian u  on [-1,1]^3 as u_t = v, v_t = c^2 Laplacian u; u = v = 0 at the walls,
//   u(x,0) = exp(-|x|^2 / 2 s^2) / (60 pi s^2), v(x,0) = 0; s = 0.1, c^2 = 1; 0 <= t <= 1/2.
//
// The solution is a sum of products of sines, each of which swings with its own frequency.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/physics/normal_points.h>
#include <lowtide/physics/sine_series.h>

#include <cmath>

using namespace lowtide;

LOWTIDE_CASE(ivp_wave3d, "a bump that becomes a shell, by a network whose parameters move", "embedded") {
  const double s = run.param("width", 0.1, "standard deviation of the bump", 0.01, 0.2);
  const double c = run.param("speed", 1.0, "speed of sound", 1e-3, 1e3);
  const double t_end = run.param("t_end", 0.5, "final time", 1e-3, 100);
  const double amplitude = bump_amplitude(s);
  InitialValueProblem problem{.dims = 3, .fields = 2, .t_end = t_end};
  problem.initial = [=](const Tensor& x) { return gaussian(x, amplitude, s, 2); };
  problem.rate = [=](const Jet& u, double) { return concatenate({u(1), c * c * column(u.laplacian(), 0)}, 1); };
  // Half of the points near the shell or inside of it, which fill a small part of the box.
  const auto near = [=](double t) { return normal_points(3, 0, s + 0.6 * c * t); };
  problem.points = [=](Stream stream, std::int64_t n, double t) {
    return mixed_with_uniform(near(t), 0.5, stream, n);
  };
  run.evolution(problem, {});
  return run.reference([&] {
    const SineSeries g =
        sine_series([s](double x) { return std::exp(-x * x / (2 * s * s)); }, modes_of_gaussian(s));
    ReferenceFrames frames{.times = times_to(t_end, 11), .fields = {"u", "v"}};
    frames.solution = [=](double t) {
      return [wave = SineWave(g, 3, amplitude, c, t)](const double* x, double* u) { wave(x, u[0], u[1]); };
    };
    return at_points(frames, [&](double t) { return near(t).draw(Stream(1, "reference"), 4000); });
  });
}
