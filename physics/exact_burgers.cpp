#include <lowtide/physics/exact_burgers.h>

#include <cmath>
#include <numbers>

namespace lowtide {

double burgers_of_sine(double x, double t, double nu) {
  constexpr double pi = std::numbers::pi;
  if (t <= 0) return -std::sin(pi * x);
  const double scale = std::sqrt(4 * nu * t), gain = 1 / (2 * pi * nu);
  // exp(gain (-cos - 1) - z^2) for y = scale z: what f can gain, 2 gain, bounds how far out z matters.
  const double reach = std::sqrt(2 * gain + 45);
  // Steps that resolve both the Gaussian and the oscillation of f.
  const double step = std::min(.05, .5 / (1 + scale * std::sqrt(gain) * pi));
  const auto half = static_cast<long>(std::ceil(reach / step));
  double above = 0, below = 0, top = -1e300;
  const auto exponent = [&](long i) {
    const double z = static_cast<double>(i) * step;
    return -gain * std::cos(pi * (x - scale * z)) - z * z;
  };
  for (long i = -half; i <= half; ++i) top = std::max(top, exponent(i));
  for (long i = -half; i <= half; ++i) {
    const double weight = std::exp(exponent(i) - top);
    above += std::sin(pi * (x - scale * static_cast<double>(i) * step)) * weight;
    below += weight;
  }
  return -above / below;
}

}  // namespace lowtide
