// A bump that becomes a shell (experiments/bump_wave.h): s = 0.1, c = 1; 0 <= t <= 1/2.
#include <lowtide/experiments/bump_wave.h>
#include <lowtide/experiments/case.h>
#include <lowtide/physics/normal_points.h>

using namespace lowtide;

LOWTIDE_CASE(ivp_wave3d, "a bump that becomes a shell, by a network whose parameters move", "embedded") {
  const BumpWave wave{.dims = 3,
                      .deviation = run.param("width", 0.1, "standard deviation of the bump", 0.01, 0.2),
                      .speed = run.param("speed", 1.0, "speed of sound", 1e-3, 1e3),
                      .t_end = run.param("t_end", 0.5, "final time", 1e-3, 100)};
  InitialValueProblem problem = bump_wave_problem(wave);
  // Half of the points near the shell or inside of it, which fill a small part of the box.
  const auto near = [=](double t) { return normal_points(3, 0, wave.deviation + 0.6 * wave.speed * t); };
  problem.points = [=](Stream stream, std::int64_t n, double t) {
    return mixed_with_uniform(near(t), 0.5, stream, n);
  };
  IvpOptions options = bump_wave_options();
  options.width = 20;
  options.bands = 4;
  options.points = 3000;
  options.over = 10;
  options.fit_points = 4000;
  run.evolution(problem, options);
  return run.reference([&] {
    return at_points(bump_wave_frames(wave),
                     [&](double t) { return near(t).draw(Stream(1, "reference"), 4000); });
  });
}
