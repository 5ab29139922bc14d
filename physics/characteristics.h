// A density that is carried along without sources, f_t + a(z) . grad f = 0 with div a = 0, on [-1,1]^d into
// which nothing flows: at z it is what it was at the beginning of the path that leads there, and zero if the
// path comes through a wall.
#pragma once
#include <functional>
#include <span>

namespace lowtide {

using Velocity = std::function<void(std::span<const double> z, std::span<double> a)>;

// Follows the path through z back for time t, in `steps` steps of the classical Runge-Kutta method of order 4.
// False if it has left the box on the way (looked at after each step); z is then where it was found outside.
bool trace_back(const Velocity& velocity, std::span<double> z, double t, int steps);

}  // namespace lowtide
