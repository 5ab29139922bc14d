#include <lowtide/physics/collocation.h>
#include <lowtide/physics/drift_diffusion.h>
#include <lowtide/physics/normal_points.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {
namespace {

double probability(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

Box cube(std::int64_t dims, double low) {
  const auto d = static_cast<std::size_t>(dims);
  return {std::vector<double>(d, low), std::vector<double>(d, 1.0)};
}

}  // namespace

Tensor NormalPoints::draw(const Stream& stream, std::int64_t n) const {
  Tensor x = collocation(cube(dims(), 0), n, Sampling::sobol, stream);
  double* to = x.mutable_data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < mean.size(); ++k, ++to) {
      const double below = probability((-1 - mean[k]) / deviation[k]),
                   above = probability((1 - mean[k]) / deviation[k]),
                   p = std::clamp(below + *to * (above - below), 1e-15, 1 - 1e-15);
      *to = std::clamp(mean[k] + deviation[k] * normal_quantile(p), -1.0, 1.0);
    }
  return x;
}

double NormalPoints::density(const double* x) const {
  double product = 1;
  for (std::size_t k = 0; k < mean.size(); ++k) {
    const double z = (x[k] - mean[k]) / deviation[k], inside = probability((1 - mean[k]) / deviation[k]) -
                                                               probability((-1 - mean[k]) / deviation[k]);
    product *= std::exp(-z * z / 2) / (std::sqrt(2 * std::numbers::pi) * deviation[k] * inside);
  }
  return product;
}

NormalPoints normal_points(std::int64_t dims, double mean, double deviation) {
  const auto d = static_cast<std::size_t>(dims);
  return {std::vector<double>(d, mean), std::vector<double>(d, deviation)};
}

Tensor mixed_with_uniform(const NormalPoints& a, double share, const Stream& stream, std::int64_t n) {
  const auto near = static_cast<std::int64_t>(std::llround(share * static_cast<double>(n)));
  Tensor x({n, a.dims()}, Dtype::f64);
  double* to = x.mutable_data<double>();
  if (near > 0) {
    const Tensor drawn = a.draw(stream.child("normal"), near);
    to = std::copy_n(drawn.data<double>(), drawn.size(), to);
  }
  if (near < n) {
    const Tensor drawn = collocation(cube(a.dims(), -1), n - near, Sampling::sobol, stream.child("uniform"));
    std::copy_n(drawn.data<double>(), drawn.size(), to);
  }
  return x;
}

}  // namespace lowtide
