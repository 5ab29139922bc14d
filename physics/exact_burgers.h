// Burgers' equation with viscosity by the transformation of Hopf (1950) and Cole (1951).
#pragma once

namespace lowtide {

// u(x,t) on the whole line for u(x,0) = -sin(pi x), which is also that on [-1,1] with u = 0 at both ends: for
// t > 0
//   u = - int sin(pi (x - y)) f(x - y) g(y) dy / int f(x - y) g(y) dy,
//   f(y) = exp(-cos(pi y) / (2 pi nu)), g(y) = exp(-y^2 / (4 nu t)),
// by the trapezoidal rule, which converges faster than any power of its step for such integrands.
double burgers_of_sine(double x, double t, double nu);

}  // namespace lowtide
