// Burgers' equation without viscosity on the line, u_t + (u^2/2)_x = 0, with its shocks, by the formula of Hopf
// (1950) and Lax (1957): u(x,t) = (x - y) / t for the y that minimizes int_0^y u0 + (x - y)^2 / (2 t).
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace lowtide {

class LaxHopf {
 public:
  // u0 is zero outside of [first, last], and smooth on scales of (last - first) / samples.
  LaxHopf(std::function<double(double)> u0, double first, double last, std::int64_t samples = 4000);
  double operator()(double x, double t) const;

 private:
  std::function<double(double)> u0_;
  double first_, h_;
  std::vector<double> integral_;  // of u0 up to first + i h
};

}  // namespace lowtide
