#include <lowtide/linalg/error.h>
#include <lowtide/pde/exact_riemann.h>

#include <algorithm>
#include <cmath>

namespace lowtide::pde {
namespace {

double sound(const GasState& s, double gamma) { return std::sqrt(gamma * s.pressure / s.density); }

// How much the velocity changes through the wave between s and a state of pressure p, and its derivative
// (Toro 4.6, 4.7): a shock for p above the pressure of s, a rarefaction below.
struct Change {
  double value, slope;
};
Change change(const GasState& s, double p, double gamma) {
  if (p > s.pressure) {
    const double a = 2 / ((gamma + 1) * s.density), b = (gamma - 1) / (gamma + 1) * s.pressure;
    const double root = std::sqrt(a / (p + b));
    return {(p - s.pressure) * root, root * (1 - 0.5 * (p - s.pressure) / (p + b))};
  }
  const double c = sound(s, gamma), z = (gamma - 1) / (2 * gamma), ratio = p / s.pressure;
  return {2 * c / (gamma - 1) * (std::pow(ratio, z) - 1),
          std::pow(ratio, -(gamma + 1) / (2 * gamma)) / (s.density * c)};
}

// On one side of the contact; the right side is the mirror image of the left one.
GasState left_of_contact(const GasState& s, double pressure, double velocity, double speed, double gamma) {
  const double c = sound(s, gamma), ratio = pressure / s.pressure, g = (gamma - 1) / (gamma + 1);
  if (ratio > 1) {
    const double shock =
        s.velocity - c * std::sqrt((gamma + 1) / (2 * gamma) * ratio + (gamma - 1) / (2 * gamma));
    if (speed < shock) return s;
    return {s.density * (ratio + g) / (g * ratio + 1), velocity, pressure};
  }
  if (speed < s.velocity - c) return s;
  const double c_star = c * std::pow(ratio, (gamma - 1) / (2 * gamma));
  if (speed > velocity - c_star) return {s.density * std::pow(ratio, 1 / gamma), velocity, pressure};
  const double fan = 2 / (gamma + 1) + g / c * (s.velocity - speed);
  return {s.density * std::pow(fan, 2 / (gamma - 1)),
          2 / (gamma + 1) * (c + (gamma - 1) / 2 * s.velocity + speed),
          s.pressure * std::pow(fan, 2 * gamma / (gamma - 1))};
}

}  // namespace

RiemannProblem::RiemannProblem(const GasState& left, const GasState& right, double gamma)
    : left_(left), right_(right), gamma_(gamma) {
  for (const GasState& s : {left, right})
    if (!(s.density > 0 && s.pressure > 0))
      fail<SolverError>("riemann problem", "density and pressure must be positive");
  const double jump = right.velocity - left.velocity, cl = sound(left, gamma), cr = sound(right, gamma);
  if (2 * (cl + cr) / (gamma - 1) <= jump)
    fail<SolverError>("riemann problem", "a vacuum opens between the states");

  // f(p) = f_l(p) + f_r(p) + jump is increasing and concave: from below its root Newton's method cannot miss,
  // and from above its first step leads below, if not below zero, which the floor prevents. The guess is exact
  // for two rarefactions.
  const double z = (gamma - 1) / (2 * gamma);
  double p = std::pow((cl + cr - 0.5 * (gamma - 1) * jump) /
                          (cl / std::pow(left.pressure, z) + cr / std::pow(right.pressure, z)),
                      1 / z);
  for (int i = 0; i < 100; ++i) {
    const Change l = change(left, p, gamma), r = change(right, p, gamma);
    const double next = std::max(p - (l.value + r.value + jump) / (l.slope + r.slope), 1e-3 * p);
    const bool done = std::abs(next - p) <= 1e-15 * p;
    p = next;
    if (done) break;
  }
  pressure_ = p;
  velocity_ =
      0.5 * (left.velocity + right.velocity + change(right, p, gamma).value - change(left, p, gamma).value);
}

GasState RiemannProblem::at(double speed) const {
  if (speed <= velocity_) return left_of_contact(left_, pressure_, velocity_, speed, gamma_);
  GasState s = left_of_contact({right_.density, -right_.velocity, right_.pressure}, pressure_, -velocity_,
                               -speed, gamma_);
  s.velocity = -s.velocity;
  return s;
}

}  // namespace lowtide::pde
