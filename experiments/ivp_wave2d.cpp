// A bump that becomes a ring.
//
//   u_tt = c^2 Laplacian u  on [-1,1]^2, u = 0 at the walls,
//   u(x,0) = exp(-|x|^2 / 2 s^2) / (60 pi s^2), u_t(x,0) = 0; s = 0.05, c^2 = 1/10; 0 <= t <= 1.
//
// As a system of first order, but not for u_t, which is zero at first: a network that has learned zero has a
// head of zeros, and no layer before it can move the field. In its place y = u + (s / c) u_t, which begins as u
// does.
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
  problem.initial = [=](const Tensor& x) {
    const Var u(gaussian(x, amplitude, s));
    return concatenate({u, u}, 1).value();
  };
  problem.rate = [=](const Jet& u, double) {
    const Var u_t = (c / s) * (u(1) - u(0));
    return concatenate({u_t, u_t + s * c * column(u.laplacian(), 0)}, 1);
  };
  // Waves ask for parts of M far below what conjugate gradients resolve, of a network that is small enough for
  // all of M.
  run.evolution(problem, {.width = 24,
                          .bands = 5,
                          .size = 18,
                          .points = 2500,
                          .over = 20,
                          .wide = true,
                          .tolerance = 2e-3,
                          .solver = "dense",
                          .shift = 1e-9,
                          .fit_points = 3000,
                          .fit_steps = 80});
  return run.reference([&] {
    const SineSeries g =
        sine_series([s](double x) { return std::exp(-x * x / (2 * s * s)); }, modes_of_gaussian(s));
    ReferenceFrames frames{.times = times_to(t_end, 11), .fields = {"u", "y"}};
    frames.solution = [=](double t) {
      return [=, wave = SineWave(g, 2, amplitude, c, t)](const double* x, double* u) {
        wave(x, u[0], u[1]);
        u[1] = u[0] + s / c * u[1];
      };
    };
    return on_square(frames, 100);
  });
}
