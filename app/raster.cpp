#include "raster.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide::app {
namespace {

// Extents of the cell of a point.
std::array<double, 2> cell_of(const Snapshots& set, const std::vector<std::int32_t>& levels, std::size_t i) {
  const std::int64_t d = set.dims();
  if (set.cell && !levels.empty()) {
    const std::int64_t l = levels[i] - 1;
    return {set.cell.at(l * d), d == 2 ? set.cell.at(l * d + 1) : 1};
  }
  std::array<double, 2> cell{1, 1};
  for (std::size_t a = 0; a < static_cast<std::size_t>(d); ++a)
    cell[a] = (set.high[a] - set.low[a]) / static_cast<double>(set.grid[a]);
  return cell;
}

void fill_by_nearest(Raster& raster, const std::vector<std::array<double, 2>>& points) {
  const double low = raster.frame.low[0], high = raster.frame.high[0];
  const auto n = static_cast<double>(raster.values.size());
  std::size_t at = 0;
  for (std::size_t p = 0; p < raster.values.size(); ++p) {
    const double x = low + (static_cast<double>(p) + 0.5) * (high - low) / n;
    while (at + 1 < points.size() && std::abs(points[at + 1][0] - x) <= std::abs(points[at][0] - x)) ++at;
    raster.values[p] = points[at][1];
    raster.level[p] = 1;
  }
}

// In two dimensions. Points are dealt to squares, about one to each; a pixel looks at rings of squares around
// its own until no point farther out can be nearer.
void fill_by_nearest(Raster& raster, const Tensor& x, const Tensor& u, std::int64_t field) {
  const Frame2D& frame = raster.frame;
  const std::int64_t n = x.shape[0], fields = u.shape[1];
  if (n == 0) return;
  const auto side = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::sqrt(static_cast<double>(n))));
  const std::array<double, 2> square{(frame.high[0] - frame.low[0]) / static_cast<double>(side),
                                     (frame.high[1] - frame.low[1]) / static_cast<double>(side)};
  const auto square_of = [&](double at, std::size_t a) {
    return std::clamp(static_cast<std::int64_t>((at - frame.low[a]) / square[a]), std::int64_t{0}, side - 1);
  };
  std::vector<std::vector<std::int64_t>> dealt(static_cast<std::size_t>(side * side));
  for (std::int64_t i = 0; i < n; ++i)
    dealt[static_cast<std::size_t>(square_of(x.at(2 * i + 1), 1) * side + square_of(x.at(2 * i), 0))].push_back(
        i);
  const double shortest = std::min(square[0], square[1]);
  const auto [nx, ny] = frame.pixels;
  for (std::int64_t pixel = 0; pixel < nx * ny; ++pixel) {
    const auto middle = [&](std::int64_t p, std::size_t a) {
      return frame.low[a] + (frame.high[a] - frame.low[a]) * (static_cast<double>(p) + .5) /
                                static_cast<double>(frame.pixels[a]);
    };
    const double px = middle(pixel % nx, 0), py = middle(pixel / nx, 1);
    const std::int64_t sx = square_of(px, 0), sy = square_of(py, 1);
    double nearest = std::numeric_limits<double>::infinity();
    std::int64_t found = -1;
    for (std::int64_t ring = 0; ring < side; ++ring) {
      if (const double reach = static_cast<double>(ring - 1) * shortest; reach > 0 && reach * reach > nearest)
        break;
      for (std::int64_t j = std::max<std::int64_t>(0, sy - ring); j <= std::min(side - 1, sy + ring); ++j)
        for (std::int64_t i = std::max<std::int64_t>(0, sx - ring); i <= std::min(side - 1, sx + ring); ++i) {
          if (std::max(std::abs(i - sx), std::abs(j - sy)) != ring) continue;
          for (const std::int64_t point : dealt[static_cast<std::size_t>(j * side + i)]) {
            const double dx = x.at(2 * point) - px, dy = x.at(2 * point + 1) - py;
            if (dx * dx + dy * dy < nearest) {
              nearest = dx * dx + dy * dy;
              found = point;
            }
          }
        }
    }
    raster.values[static_cast<std::size_t>(pixel)] = u.at(found * fields + field);
    raster.level[static_cast<std::size_t>(pixel)] = 1;
  }
}

}  // namespace

std::vector<std::array<double, 2>> sorted_points(const Snapshots& set, std::int64_t k, std::int64_t field) {
  const Tensor x = set.points(k), u = set.values(k);
  std::vector<std::array<double, 2>> points;
  for (std::int64_t i = 0; i < x.shape[0]; ++i) points.push_back({x.at(i), u.at(i * u.shape[1] + field)});
  std::sort(points.begin(), points.end());
  return points;
}

bool has_cells(const Snapshots& set) {
  return (set.cell && !set.level.empty()) || (!set.grid.empty() && !set.low.empty());
}

Frame2D frame_of(const Snapshots& set, std::int64_t most) {
  const std::int64_t d = set.dims();
  Frame2D frame;
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
    double pixels = static_cast<double>(most);
    if (set.cell)
      pixels = (high - low) / set.cell.at((set.cell.shape[0] - 1) * d + a);
    else if (!set.grid.empty())
      pixels = static_cast<double>(set.grid[axis]);
    frame.pixels[axis] =
        static_cast<std::int64_t>(std::clamp(std::round(pixels), 1.0, static_cast<double>(most)));
  }
  return frame;
}

Raster rasterize(const Snapshots& set, std::int64_t k, std::int64_t field, const Frame2D& frame) {
  const auto [nx, ny] = frame.pixels;
  Raster raster{
      frame, std::vector<double>(static_cast<std::size_t>(nx * ny), std::numeric_limits<double>::quiet_NaN()),
      std::vector<std::int32_t>(static_cast<std::size_t>(nx * ny))};
  if (!has_cells(set)) {
    if (set.dims() == 1)
      fill_by_nearest(raster, sorted_points(set, k, field));
    else
      fill_by_nearest(raster, set.points(k), set.values(k), field);
    return raster;
  }
  const Tensor x = set.points(k), u = set.values(k);
  const std::vector<std::int32_t> levels = set.levels(k);
  const std::int64_t d = set.dims(), fields = u.shape[1];
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const std::array<double, 2> cell = cell_of(set, levels, static_cast<std::size_t>(i));
    std::array<std::int64_t, 2> begin{0, 0}, end{1, 1};  // of the pixels whose centres the cell covers
    for (std::size_t a = 0; a < static_cast<std::size_t>(d) && a < 2; ++a) {
      const double pixel = (frame.high[a] - frame.low[a]) / static_cast<double>(frame.pixels[a]);
      const double from = x.at(i * d + static_cast<std::int64_t>(a)) - cell[a] / 2 - frame.low[a];
      const auto place = [&](double at) {
        const double p = std::round(at / pixel - 1e-6);  // alike for both cells at a border between two pixels
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
