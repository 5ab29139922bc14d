#include <lowtide/io/weights.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

// The stretches of sorted points on a line.
std::vector<double> stretches(const std::vector<double>& points, double low, double high) {
  std::vector<double> lengths(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double from = i == 0 ? low : 0.5 * (points[i - 1] + points[i]);
    const double to = i + 1 == points.size() ? high : 0.5 * (points[i] + points[i + 1]);
    lengths[i] = to - from;
  }
  return lengths;
}

struct Line {
  std::vector<double> points, lengths;
};

// The lines whose product the points are; none if they are not one.
std::vector<Line> lines_of(const Tensor& x, const std::vector<double>& low, const std::vector<double>& high) {
  const auto n = static_cast<std::size_t>(x.shape[0]), d = static_cast<std::size_t>(x.shape[1]);
  std::vector<Line> lines(d);
  std::size_t product = 1;
  for (std::size_t a = 0; a < d; ++a) {
    std::vector<double>& points = lines[a].points;
    for (std::size_t i = 0; i < n; ++i) points.push_back(x.at(static_cast<std::int64_t>(i * d + a)));
    std::sort(points.begin(), points.end());
    points.erase(std::unique(points.begin(), points.end()), points.end());
    if (points.size() < 2 || n % points.size() != 0) return {};
    product *= points.size();
    const bool inside =
        a < low.size() && a < high.size() && low[a] <= points.front() && high[a] >= points.back();
    lines[a].lengths = stretches(points, inside ? low[a] : points.front(), inside ? high[a] : points.back());
  }
  return product == n ? lines : std::vector<Line>{};
}

}  // namespace

std::vector<double> default_weights(const Tensor& points, const std::vector<double>& low,
                                    const std::vector<double>& high) {
  const auto n = static_cast<std::size_t>(points.shape[0]), d = static_cast<std::size_t>(points.shape[1]);
  double volume = 1;
  if (low.size() == d && high.size() == d)
    for (std::size_t a = 0; a < d; ++a) volume *= high[a] - low[a];
  if (!(volume > 0) || !std::isfinite(volume)) volume = 1;
  const std::vector<double> equal(n, volume / static_cast<double>(n));

  if (!all_finite(points)) return equal;  // whoever asks refuses them anyway
  const std::vector<Line> lines = lines_of(points, low, high);
  if (lines.empty()) return equal;
  std::vector<double> weights(n, 1);
  std::vector<char> taken(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t place = 0;
    for (std::size_t a = 0; a < d; ++a) {
      const std::vector<double>& line = lines[a].points;
      const double value = points.at(static_cast<std::int64_t>(i * d + a));
      const auto k = static_cast<std::size_t>(std::lower_bound(line.begin(), line.end(), value) - line.begin());
      weights[i] *= lines[a].lengths[k];
      place = place * line.size() + k;
    }
    if (taken[place] || !(weights[i] > 0)) return equal;
    taken[place] = 1;
  }
  return weights;
}

}  // namespace lowtide
