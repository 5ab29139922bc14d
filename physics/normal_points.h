// Points from independent normal distributions of the coordinates that are cut off at -1 and 1: in high
// dimension a density is missed by uniform points.
#pragma once
#include <lowtide/linalg/random.h>

#include <vector>

namespace lowtide {

struct NormalPoints {
  std::vector<double> mean{}, deviation{};  // of each coordinate, before the cut

  std::int64_t dims() const { return std::ssize(mean); }
  Tensor draw(const Stream& stream, std::int64_t n) const;  // (n,d), f64, from a shifted Sobol sequence
  double density(const double* x) const;                    // of the points drawn
};

// Every coordinate alike.
NormalPoints normal_points(std::int64_t dims, double mean, double deviation);

// The first `share` of n rows from a, the others uniform in the box.
Tensor mixed_with_uniform(const NormalPoints& a, double share, const Stream& stream, std::int64_t n);

}  // namespace lowtide
