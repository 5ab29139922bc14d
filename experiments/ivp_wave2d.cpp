// A bump that becomes a ring (experiments/bump_wave.h): s = 0.05, c^2 = 1/10; 0 <= t <= 1.
#include <lowtide/experiments/bump_wave.h>
#include <lowtide/experiments/case.h>

#include <cmath>

using namespace lowtide;

LOWTIDE_CASE(ivp_wave2d, "a bump that becomes a ring, by a network whose parameters move", "embedded") {
  const BumpWave wave{.dims = 2,
                      .deviation = run.param("width", 0.05, "standard deviation of the bump", 0.01, 0.2),
                      .speed = run.param("speed", std::sqrt(0.1), "speed of sound", 1e-3, 1e3),
                      .t_end = run.param("t_end", 1.0, "final time", 1e-3, 100)};
  IvpOptions options = bump_wave_options();
  options.width = 24;
  options.bands = 5;
  options.points = 2500;
  options.over = 20;
  options.fit_points = 3000;
  run.evolution(bump_wave_problem(wave), options);
  return run.reference([&] { return on_square(bump_wave_frames(wave), 100); });
}
