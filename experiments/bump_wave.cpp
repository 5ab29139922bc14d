#include <lowtide/experiments/bump_wave.h>
#include <lowtide/physics/sine_series.h>

#include <cmath>

namespace lowtide {

InitialValueProblem bump_wave_problem(const BumpWave& wave) {
  const double s = wave.deviation, c = wave.speed;
  InitialValueProblem problem{.dims = wave.dims, .fields = 2, .t_end = wave.t_end};
  problem.initial = [s](const Tensor& x) {
    const Var u(gaussian(x, bump_amplitude(s), s));
    return concatenate({u, u}, 1).value();
  };
  problem.rate = [s, c](const Jet& u, double) {
    const Var u_t = (c / s) * (u(1) - u(0));
    return concatenate({u_t, u_t + s * c * column(u.laplacian(), 0)}, 1);
  };
  return problem;
}

IvpOptions bump_wave_options() {
  return {.size = 18, .wide = true, .tolerance = 2e-3, .solver = "dense", .shift = 1e-9, .fit_steps = 80};
}

ReferenceFrames bump_wave_frames(const BumpWave& wave) {
  const double s = wave.deviation, c = wave.speed;
  const SineSeries g =
      sine_series([s](double x) { return std::exp(-x * x / (2 * s * s)); }, modes_of_gaussian(s));
  ReferenceFrames frames{.times = times_to(wave.t_end, 11), .fields = {"u", "y"}};
  frames.solution = [=, dims = wave.dims](double t) {
    return [=, at = SineWave(g, dims, bump_amplitude(s), c, t)](const double* x, double* u) {
      at(x, u[0], u[1]);
      u[1] = u[0] + s / c * u[1];
    };
  };
  return frames;
}

}  // namespace lowtide
