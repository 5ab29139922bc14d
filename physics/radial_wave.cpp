#include <lowtide/linalg/error.h>
#include <lowtide/physics/radial_wave.h>

#include <math.h>

#include <cmath>
#include <numbers>

namespace lowtide {
namespace {

RadialValue on_a_line(const RadialWave& w, double r, double t) {
  const double c = w.speed, square = w.deviation * w.deviation, ahead = r + c * t, behind = r - c * t;
  const auto f = [&](double s) { return std::exp(-s * s / (2 * square)); };
  const auto slope = [&](double s) { return -s / square * f(s); };
  const auto integral = [&](double s) {
    return w.deviation * std::sqrt(std::numbers::pi / 2) * std::erf(s / (std::numbers::sqrt2 * w.deviation));
  };
  const double v = w.velocity / (2 * c);
  return {(f(ahead) + f(behind)) / 2 + v * (integral(ahead) - integral(behind)),
          (slope(ahead) + slope(behind)) / 2 + v * (f(ahead) - f(behind)),
          c * ((slope(ahead) - slope(behind)) / 2 + v * (f(ahead) + f(behind)))};
}

// r u solves the equation on a line, from r f(r) and velocity r f(r).
RadialValue in_space(const RadialWave& w, double r, double t) {
  const double c = w.speed, square = w.deviation * w.deviation;
  const auto f = [&](double s) { return std::exp(-s * s / (2 * square)); };
  const auto p = [&](double s) { return s * f(s); };
  const auto slope = [&](double s) { return (1 - s * s / square) * f(s); };
  const double v = w.velocity / (2 * c), far = 1e-5 * w.deviation;
  const bool centre = r < far;
  if (centre) r = far;
  const double ahead = r + c * t, behind = r - c * t;
  const double y = (p(ahead) + p(behind)) / 2 - v * square * (f(ahead) - f(behind)),
               y_r = (slope(ahead) + slope(behind)) / 2 + v * (p(ahead) - p(behind)),
               y_t = c * ((slope(ahead) - slope(behind)) / 2 + v * (p(ahead) + p(behind)));
  return {y / r, centre ? 0 : (y_r - y / r) / r, y_t / r};
}

// int deviation^2 exp(-(deviation k)^2 / 2) J0(k r) (cos(c k t) + velocity sin(c k t) / (c k)) k dk by
// Simpson's rule, with steps that are short for the oscillations.
RadialValue in_a_plane(const RadialWave& w, double r, double t) {
  const double c = w.speed, square = w.deviation * w.deviation, last = 9 / w.deviation,
               phase = last * (r + c * t + w.deviation);
  const auto half = static_cast<long>(std::ceil(phase / 0.05));
  const double h = last / static_cast<double>(2 * half);
  RadialValue sum;
  for (long i = 1; i <= 2 * half; ++i) {  // nothing at k = 0
    const double k = h * static_cast<double>(i),
                 weight = (i == 2 * half ? 1
                           : i % 2 == 1  ? 4
                                         : 2) *
                          h / 3,
                 density = weight * k * square * std::exp(-square * k * k / 2), wave = ::j0(k * r),
                 cosine = std::cos(c * k * t), sine = std::sin(c * k * t),
                 u = cosine + w.velocity * sine / (c * k);
    sum.u += density * wave * u;
    sum.u_r -= density * k * ::j1(k * r) * u;
    sum.u_t += density * wave * (w.velocity * cosine - c * k * sine);
  }
  return sum;
}

}  // namespace

RadialValue radial_wave(const RadialWave& wave, double r, double t) {
  switch (wave.dims) {
    case 1:
      return on_a_line(wave, r, t);
    case 2:
      return in_a_plane(wave, r, t);
    case 3:
      return in_space(wave, r, t);
    default:
      fail<Error>("radial_wave", "in one to three dimensions only");
  }
}

}  // namespace lowtide
