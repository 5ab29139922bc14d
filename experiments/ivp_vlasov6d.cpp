// Particles in three dimensions of space and three of velocity that an attracting potential holds together.
//
//   f_t + v . grad_x f + a(x) . grad_v f = 0,  a = grad exp(-|x|^2),  (x,v) in [-1,1]^6, f = 0 at the walls;
//   f(x,v,0) = exp(-(|x|^2 + |v|^2) / 2 s^2), s = 0.3; 0 <= t <= 1/2.
//
// The solution is constant along the paths of particles, and zero where these have come through a wall. The
// network vanishes at the walls, where the initial state is not quite zero (0.4 percent of the peak).
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/physics/characteristics.h>
#include <lowtide/physics/normal_points.h>

#include <cmath>

using namespace lowtide;

LOWTIDE_CASE(ivp_vlasov6d, "Vlasov's equation in six dimensions, by a network whose parameters move",
             "embedded") {
  const double s = run.param("width", 0.3, "standard deviation at the start", 0.05, 0.5);
  const double t_end = run.param("t_end", 0.5, "final time", 1e-3, 10);
  InitialValueProblem problem{.dims = 6, .t_end = t_end};
  problem.initial = [=](const Tensor& x) { return gaussian(x, 1, s); };
  problem.rate = [](const Jet& f, double) {
    Var rate = -1.0 * f.x(3) * f.d(0) - f.x(4) * f.d(1) - f.x(5) * f.d(2);
    const Var well = exp(-1.0 * (square(f.x(0)) + square(f.x(1)) + square(f.x(2))));
    for (int i = 0; i < 3; ++i) rate = rate + 2.0 * f.x(i) * well * f.d(3 + i);
    return rate;
  };
  const NormalPoints cloud = normal_points(6, 0, s);
  problem.points = [=](Stream stream, std::int64_t n, double) {
    return mixed_with_uniform(cloud, 0.8, stream, n);
  };
  run.evolution(
      problem,
      {.bands = 1, .adaptive = 0, .tolerance = 1e-3, .shift = 1e-7, .cg_tolerance = 1e-4, .fit_steps = 40});
  return run.reference([&] {
    const Velocity velocity = [](std::span<const double> z, std::span<double> a) {
      const double well = std::exp(-z[0] * z[0] - z[1] * z[1] - z[2] * z[2]);
      for (std::size_t i = 0; i < 3; ++i) {
        a[i] = z[3 + i];
        a[3 + i] = -2 * z[i] * well;
      }
    };
    ReferenceFrames frames{.times = times_to(t_end, 6), .fields = {"f"}};
    frames.solution = [=](double t) {
      return [=](const double* x, double* f) {
        double z[6];
        std::copy_n(x, 6, z);
        const int steps = 1 + static_cast<int>(40 * t);
        f[0] = trace_back(velocity, z, t, steps) ? gaussian(from({1, 6}, z), 1, s).at(0) : 0.0;
      };
    };
    return at_points(frames, [&](double) { return cloud.draw(Stream(1, "reference"), 5000); });
  });
}
