#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {
namespace {

Snapshots frames_at(const ReferenceFrames& frames, const std::function<Tensor(double t)>& points, bool fixed) {
  Snapshots set;
  set.fields = frames.fields;
  set.t = from({std::ssize(frames.times)}, frames.times);
  set.offsets = {0};
  const std::int64_t c = std::ssize(frames.fields);
  std::vector<double> x, u;
  std::int64_t d = 1;
  for (const double t : frames.times) {
    const Tensor at = points(t);
    const std::int64_t n = at.shape[0], begin = set.offsets.back();
    d = at.shape[1];
    if (!fixed || begin == 0) x.insert(x.end(), at.data<double>(), at.data<double>() + at.size());
    u.resize(static_cast<std::size_t>((begin + n) * c));
    const ReferenceFrames::AtPoint solution = frames.solution(t);
    parallel_for(n, [&](std::int64_t i) { solution(at.data<double>() + i * d, u.data() + (begin + i) * c); });
    set.offsets.push_back(begin + n);
  }
  const std::int64_t rows = std::ssize(x) / d;
  set.x = from({rows, d}, x);
  set.u = from({set.offsets.back(), c}, u);
  set.weight = ones({rows}, Dtype::f64);
  set.low.assign(static_cast<std::size_t>(d), -1.0);
  set.high.assign(static_cast<std::size_t>(d), 1.0);
  set.boundary.assign(static_cast<std::size_t>(2 * d), "wall");
  return set;
}

}  // namespace

std::vector<double> times_to(double t_end, std::int64_t frames) {
  return to_vector(linspace(0, t_end, frames, Dtype::f64));
}

Snapshots on_square(const ReferenceFrames& frames, std::int64_t cells) {
  const double side = 2.0 / static_cast<double>(cells);
  Tensor x({cells * cells, 2}, Dtype::f64);
  double* to = x.mutable_data<double>();
  for (std::int64_t i = 0; i < cells * cells; ++i) {
    *to++ = -1 + side * (static_cast<double>(i % cells) + 0.5);
    *to++ = -1 + side * (static_cast<double>(i / cells) + 0.5);
  }
  Snapshots set = frames_at(
      frames, [&](double) { return x; }, true);
  set.grid = {cells, cells};
  set.weight = full({cells * cells}, side * side, Dtype::f64);
  return set;
}

Snapshots at_points(const ReferenceFrames& frames, const std::function<Tensor(double t)>& points) {
  return frames_at(frames, points, false);
}

Tensor gaussian(const Tensor& x, double amplitude, double deviation, std::int64_t fields, double center) {
  const std::int64_t n = x.shape[0], d = x.shape[1];
  Tensor u = zeros({n, fields}, Dtype::f64);
  double* to = u.mutable_data<double>();
  for (std::int64_t i = 0; i < n; ++i) {
    double square = 0;
    for (std::int64_t k = 0; k < d; ++k) square += std::pow(x.at(i * d + k) - center, 2);
    to[i * fields] = amplitude * std::exp(-square / (2 * deviation * deviation));
  }
  return u;
}

double bump_amplitude(double deviation) { return 1 / (60 * std::numbers::pi * deviation * deviation); }

}  // namespace lowtide
