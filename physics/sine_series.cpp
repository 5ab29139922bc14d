#include <lowtide/linalg/error.h>
#include <lowtide/physics/sine_series.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {

double SineSeries::operator()(double x) const { return diffused(x, 0, 0); }

double SineSeries::diffused(double x, double diffusion, double t) const {
  double sum = 0;
  for (std::size_t m = 0; m < frequency.size(); ++m)
    sum += coefficient[m] * std::exp(-diffusion * frequency[m] * frequency[m] * t) *
           std::sin(frequency[m] * (x + 1));
  return sum;
}

std::int64_t modes_of_gaussian(double deviation) {
  // Coefficients fall like exp(-(w deviation)^2 / 2), w = m pi / 2.
  const double last = std::sqrt(-2 * std::log(1e-13)) / deviation;
  return static_cast<std::int64_t>(std::ceil(2 * last / std::numbers::pi));
}

SineSeries sine_series(const std::function<double(double)>& g, std::int64_t modes, double least) {
  const std::int64_t intervals = std::max<std::int64_t>(2000, 20 * modes);  // even
  const double h = 2.0 / static_cast<double>(intervals);
  std::vector<double> values;
  for (std::int64_t i = 0; i <= intervals; ++i) {
    const double weight = i == 0 || i == intervals ? 1 : i % 2 == 1 ? 4 : 2;
    values.push_back(g(-1 + h * static_cast<double>(i)) * weight * h / 3);
  }
  std::vector<double> all;
  for (std::int64_t m = 1; m <= modes; ++m) {
    const double w = std::numbers::pi / 2 * static_cast<double>(m);
    double sum = 0;
    for (std::int64_t i = 0; i <= intervals; ++i)
      sum += values[static_cast<std::size_t>(i)] * std::sin(w * h * static_cast<double>(i));
    all.push_back(sum);
  }
  double largest = 0;
  for (const double a : all) largest = std::max(largest, std::abs(a));
  SineSeries series;
  for (std::size_t m = 0; m < all.size(); ++m) {
    if (std::abs(all[m]) <= least * largest) continue;
    series.frequency.push_back(std::numbers::pi / 2 * static_cast<double>(m + 1));
    series.coefficient.push_back(all[m]);
  }
  return series;
}

SineWave::SineWave(const SineSeries& g, int dims, double amplitude, double speed, double t)
    : g_(g), dims_(dims) {
  if (dims < 1 || dims > 3) fail<Error>("sine_wave", "in one to three dimensions only");
  const std::size_t k = g.frequency.size(), second = dims > 1 ? k : 1, third = dims > 2 ? k : 1;
  for (std::size_t a = 0; a < third; ++a)
    for (std::size_t b = 0; b < second; ++b)
      for (std::size_t c = 0; c < k; ++c) {
        double square = g.frequency[c] * g.frequency[c], product = amplitude * g.coefficient[c];
        if (dims > 1) square += g.frequency[b] * g.frequency[b], product *= g.coefficient[b];
        if (dims > 2) square += g.frequency[a] * g.frequency[a], product *= g.coefficient[a];
        const double w = speed * std::sqrt(square);
        u_.push_back(product * std::cos(w * t));
        rate_.push_back(-product * w * std::sin(w * t));
      }
}

void SineWave::operator()(const double* x, double& u, double& u_t) const {
  const std::size_t k = g_.frequency.size();
  std::vector<double> sines[3];
  for (int axis = 0; axis < 3; ++axis)
    for (std::size_t m = 0; m < (axis < dims_ ? k : 1); ++m)
      sines[axis].push_back(axis < dims_ ? std::sin(g_.frequency[m] * (x[axis] + 1)) : 1);
  u = u_t = 0;
  std::size_t at = 0;
  for (const double third : sines[2])
    for (const double second : sines[1]) {
      double sum = 0, rates = 0;
      for (const double first : sines[0]) {
        sum += u_[at] * first;
        rates += rate_[at++] * first;
      }
      u += third * second * sum;
      u_t += third * second * rates;
    }
}

}  // namespace lowtide
