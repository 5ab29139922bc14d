// Exact solutions on [-1,1]^d with zero at the walls, from a product of equal functions of each coordinate:
// sums of sin(w_m (x + 1)), w_m = m pi / 2, which the walls allow.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace lowtide {

struct SineSeries {
  std::vector<double> frequency, coefficient;  // those that matter
  double operator()(double x) const;
  // At time t of g_t = diffusion g_xx.
  double diffused(double x, double diffusion, double t) const;
};

// Of g on [-1,1], up to `modes`; terms below `least` of the largest are dropped. By Simpson's rule.
SineSeries sine_series(const std::function<double(double)>& g, std::int64_t modes, double least = 1e-13);

// Modes beyond which the coefficients of a Gaussian of this deviation, which is all but zero at the walls, are
// below 1e-13 of the largest.
std::int64_t modes_of_gaussian(double deviation);

// u_tt = speed^2 Laplacian u from u = amplitude prod g(x_i), u_t = 0, in one to three dimensions at one time.
class SineWave {
 public:
  SineWave(const SineSeries& g, int dims, double amplitude, double speed, double t);
  void operator()(const double* x, double& u, double& u_t) const;

 private:
  SineSeries g_;
  int dims_;
  std::vector<double> u_, rate_;  // of each product of modes
};

}  // namespace lowtide
