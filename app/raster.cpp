#include "raster.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide::app {
namespace {

// Extents of the cell of row i: from the levels, from the grid, or a square of the point's weight.
std::array<double, 2> cell_of(const Snapshots& set, const std::vector<std::int32_t>& levels,
                              const Tensor& weights, std::int64_t i) {
  const std::int64_t d = set.dims();
  if (set.cell && !levels.empty()) {
    const std::int64_t l = levels[static_cast<std::size_t>(i)] - 1;
    return {set.cell.at(l * d), d == 2 ? set.cell.at(l * d + 1) : 1};
  }
  if (!set.grid.empty() && !set.low.empty())
    return {(set.high[0] - set.low[0]) / static_cast<double>(set.grid[0]),
            d == 2 ? (set.high[1] - set.low[1]) / static_cast<double>(set.grid[1]) : 1};
  const double weight = weights.at(i);
  return d == 2 ? std::array{std::sqrt(weight), std::sqrt(weight)} : std::array{weight, 1.0};
}

}  // namespace

Frame2D frame_of(const Snapshots& set, std::int64_t most) {
  const std::int64_t d = set.dims();
  Frame2D frame;
  std::array<double, 2> finest{1, 1};
  for (std::int64_t a = 0; a < d; ++a) {
    const auto axis = static_cast<std::size_t>(a);
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::int64_t i = 0; i < set.x.shape[0]; ++i) {
      low = std::min(low, set.x.at(i * d + a));
      high = std::max(high, set.x.at(i * d + a));
    }
    if (!set.low.empty()) low = set.low[axis], high = set.high[axis];
    frame.low[axis] = low;
    frame.high[axis] = high > low ? high : low + 1;
    finest[axis] = set.cell            ? set.cell.at((set.cell.shape[0] - 1) * d + a)
                   : !set.grid.empty() ? (high - low) / static_cast<double>(set.grid[axis])
                                       : cell_of(set, {}, set.weights(0), 0)[axis];
    const double pixels = std::round((frame.high[axis] - frame.low[axis]) / finest[axis]);
    frame.pixels[axis] = static_cast<std::int64_t>(std::clamp(pixels, 1.0, static_cast<double>(most)));
  }
  return frame;
}

Raster rasterize(const Snapshots& set, std::int64_t k, std::int64_t field, const Frame2D& frame) {
  const auto [nx, ny] = frame.pixels;
  Raster raster{
      frame, std::vector<double>(static_cast<std::size_t>(nx * ny), std::numeric_limits<double>::quiet_NaN()),
      std::vector<std::int32_t>(static_cast<std::size_t>(nx * ny))};
  const Tensor x = set.points(k), u = set.values(k), weights = set.weights(k);
  const std::vector<std::int32_t> levels = set.levels(k);
  const std::int64_t d = set.dims(), fields = u.shape[1];
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const std::array<double, 2> cell = cell_of(set, levels, weights, i);
    std::array<std::int64_t, 2> begin{0, 0}, end{1, 1};  // of the pixels whose centres the cell covers
    for (std::size_t a = 0; a < static_cast<std::size_t>(d) && a < 2; ++a) {
      const double pixel = (frame.high[a] - frame.low[a]) / static_cast<double>(frame.pixels[a]);
      const double from = x.at(i * d + static_cast<std::int64_t>(a)) - cell[a] / 2 - frame.low[a];
      const auto place = [&](double at) {
        const double p = std::round(at / pixel);
        return static_cast<std::int64_t>(std::clamp(p, 0.0, static_cast<double>(frame.pixels[a])));
      };
      begin[a] = place(from);
      end[a] = place(from + cell[a]);
    }
    for (std::int64_t j = begin[1]; j < end[1]; ++j)
      for (std::int64_t p = begin[0]; p < end[0]; ++p) {
        raster.values[static_cast<std::size_t>(j * nx + p)] = u.at(i * fields + field);
        raster.level[static_cast<std::size_t>(j * nx + p)] =
            levels.empty() ? 1 : levels[static_cast<std::size_t>(i)];
      }
  }
  return raster;
}

std::vector<std::array<double, 4>> level_borders(const Raster& raster) {
  const auto [nx, ny] = raster.frame.pixels;
  const double dx = (raster.frame.high[0] - raster.frame.low[0]) / static_cast<double>(nx);
  const double dy = (raster.frame.high[1] - raster.frame.low[1]) / static_cast<double>(ny);
  const auto level = [&](std::int64_t i, std::int64_t j) {
    return raster.level[static_cast<std::size_t>(j * nx + i)];
  };
  std::vector<std::array<double, 4>> lines;
  // Along each line of the pixel grid: the stretches on whose sides the levels differ.
  const auto scan = [&](std::int64_t across, std::int64_t along, const auto& differs, const auto& line) {
    for (std::int64_t a = 1; a < across; ++a)
      for (std::int64_t b = 0; b < along;) {
        std::int64_t end = b;
        while (end < along && differs(a, end)) ++end;
        if (end > b) line(static_cast<double>(a), static_cast<double>(b), static_cast<double>(end));
        b = end + 1;
      }
  };
  const double x0 = raster.frame.low[0], y0 = raster.frame.low[1];
  scan(
      nx, ny, [&](std::int64_t i, std::int64_t j) { return level(i - 1, j) != level(i, j); },
      [&](double i, double b, double e) {
        lines.push_back({x0 + i * dx, y0 + b * dy, x0 + i * dx, y0 + e * dy});
      });
  scan(
      ny, nx, [&](std::int64_t j, std::int64_t i) { return level(i, j - 1) != level(i, j); },
      [&](double j, double b, double e) {
        lines.push_back({x0 + b * dx, y0 + j * dy, x0 + e * dx, y0 + j * dy});
      });
  return lines;
}

}  // namespace lowtide::app
