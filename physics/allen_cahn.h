// The Allen-Cahn equation on a periodic interval by Fourier's series in space and an exponential Runge-Kutta
// scheme of order four in time.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace lowtide {

// u_t = diffusion u_xx + reaction (u - u^3) on [-1,1].
struct AllenCahn {
  double diffusion = 1e-4, reaction = 5;
  std::int64_t modes = 2048;  // points of the series, a power of two
  std::int64_t steps = 1000;  // a unit of time, at least
};

// A function of x for each of its times.
class PeriodicSeries {
 public:
  PeriodicSeries(std::vector<double> even, std::vector<double> odd)
      : even_(std::move(even)), odd_(std::move(odd)) {}
  double operator()(double x) const;  // on [-1,1]

 private:
  std::vector<double> even_, odd_;  // of cos(pi k x), sin(pi k x)
};

// The solution at the times, which rise from 0 or later.
std::vector<PeriodicSeries> solve(const AllenCahn& equation, const std::function<double(double)>& initial,
                                  const std::vector<double>& times);

}  // namespace lowtide
