// Solutions of initial-value problems on [-1,1]^d as snapshots, frame by frame.
#pragma once
#include <lowtide/io/snapshots.h>

#include <functional>
#include <string>
#include <vector>

namespace lowtide {

struct ReferenceFrames {
  std::vector<double> times{};
  std::vector<std::string> fields = {"u"};
  // Prepares a time, then gives u (c) at x (d) for any number of points, on any thread.
  using AtPoint = std::function<void(const double* x, double* u)>;
  std::function<AtPoint(double t)> solution{};
};

// The first time is 0, then `frames` - 1 steps of equal length.
std::vector<double> times_to(double t_end, std::int64_t frames);

Snapshots on_square(const ReferenceFrames& frames, std::int64_t cells);  // cells x cells, in two dimensions
// At the points (n,d) that belong to each time, weights all alike.
Snapshots at_points(const ReferenceFrames& frames, const std::function<Tensor(double t)>& points);

// amplitude exp(-|x - center|^2 / (2 deviation^2)) of rows x (n,d) in column 0 of (n,fields), zero in the
// others.
Tensor gaussian(const Tensor& x, double amplitude, double deviation, std::int64_t fields = 1,
                double center = 0);
// The amplitude that the papers' bumps of two and three dimensions have: 1 / (60 pi deviation^2).
double bump_amplitude(double deviation);

}  // namespace lowtide
