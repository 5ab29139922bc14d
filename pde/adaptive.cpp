#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/pde/adaptive.h>

#include <algorithm>
#include <cmath>

namespace lowtide::pde {
namespace {

// The solution on one level, and which of its cells are refined.
struct Level {
  Grid grid;
  std::int64_t ratio = 1;  // to the next finer level
  std::vector<double> values;
  std::vector<char> refined;

  std::int64_t index(std::int64_t i, std::int64_t j) const { return j * grid.cells[0] + i; }
};

// Averages over blocks of the next finer level.
Level coarsened(const Level& fine, std::int64_t ratio, int equations) {
  Level level;
  level.grid = fine.grid;
  level.ratio = ratio;
  const std::int64_t rx = ratio, ry = fine.grid.dims == 2 ? ratio : 1;
  level.grid.cells = {fine.grid.cells[0] / rx, fine.grid.cells[1] / ry};
  level.values.assign(static_cast<std::size_t>(level.grid.count() * equations), 0);
  for (std::int64_t j = 0; j < fine.grid.cells[1]; ++j)
    for (std::int64_t i = 0; i < fine.grid.cells[0]; ++i)
      for (int c = 0; c < equations; ++c)
        level.values[static_cast<std::size_t>(level.index(i / rx, j / ry) * equations + c)] +=
            fine.values[static_cast<std::size_t>(fine.index(i, j) * equations + c)];
  for (double& v : level.values) v /= static_cast<double>(rx * ry);
  return level;
}

// The cell `by` further along an axis: round the domain if it is periodic, else not beyond its end.
std::int64_t neighbour(const Grid& grid, int axis, std::int64_t i, std::int64_t by) {
  const auto a = static_cast<std::size_t>(axis);
  const std::int64_t n = grid.cells[a];
  if (grid.sides[2 * a] == Boundary::periodic) return ((i + by) % n + n) % n;
  return std::clamp<std::int64_t>(i + by, 0, n - 1);
}

bool varies(const Level& level, int equations, std::int64_t i, std::int64_t j, double tolerance) {
  for (int axis = 0; axis < level.grid.dims; ++axis) {
    const std::int64_t at = axis == 0 ? i : j;
    const std::int64_t before = neighbour(level.grid, axis, at, -1), after = neighbour(level.grid, axis, at, 1);
    const std::int64_t a = axis == 0 ? level.index(before, j) : level.index(i, before);
    const std::int64_t b = axis == 0 ? level.index(after, j) : level.index(i, after);
    for (int c = 0; c < equations; ++c)
      if (std::abs(level.values[static_cast<std::size_t>(b * equations + c)] -
                   level.values[static_cast<std::size_t>(a * equations + c)]) > tolerance)
        return true;
  }
  return false;
}

// Marked where the solution varies, and `buffer` cells around, one axis after the other.
void mark(Level& level, int equations, const Refinement& refinement) {
  const Grid& grid = level.grid;
  level.refined.assign(static_cast<std::size_t>(grid.count()), 0);
  for (std::int64_t j = 0; j < grid.cells[1]; ++j)
    for (std::int64_t i = 0; i < grid.cells[0]; ++i)
      level.refined[static_cast<std::size_t>(level.index(i, j))] =
          varies(level, equations, i, j, refinement.tolerance);
  for (int axis = 0; axis < grid.dims; ++axis) {
    const std::vector<char> before = level.refined;
    for (std::int64_t j = 0; j < grid.cells[1]; ++j)
      for (std::int64_t i = 0; i < grid.cells[0]; ++i) {
        if (!before[static_cast<std::size_t>(level.index(i, j))]) continue;
        for (std::int64_t by = -refinement.buffer; by <= refinement.buffer; ++by) {
          const std::int64_t k = neighbour(grid, axis, axis == 0 ? i : j, by);
          level.refined[static_cast<std::size_t>(axis == 0 ? level.index(k, j) : level.index(i, k))] = 1;
        }
      }
  }
}

class Sampler {
 public:
  Sampler(const std::vector<Level>& levels, int equations) : levels_(levels), equations_(equations) {}

  // The cell, or its children, row by row.
  void visit(std::size_t l, std::int64_t i, std::int64_t j) {
    const Level& level = levels_[l];
    const std::int64_t at = level.index(i, j);
    if (l + 1 < levels_.size() && level.refined[static_cast<std::size_t>(at)]) {
      const std::int64_t rx = level.ratio, ry = level.grid.dims == 2 ? level.ratio : 1;
      for (std::int64_t b = 0; b < ry; ++b)
        for (std::int64_t a = 0; a < rx; ++a) visit(l + 1, i * rx + a, j * ry + b);
      return;
    }
    x_.push_back(level.grid.place(0, static_cast<double>(i) + 0.5));
    if (level.grid.dims == 2) x_.push_back(level.grid.place(1, static_cast<double>(j) + 0.5));
    const auto first = level.values.begin() + at * equations_;
    u_.insert(u_.end(), first, first + equations_);
    weight_.push_back(level.grid.area());
    level_.push_back(static_cast<std::int32_t>(l + 1));
  }

  Sample sample() const {
    const auto n = static_cast<std::int64_t>(level_.size());
    return {from({n, levels_[0].grid.dims}, x_), from({n, equations_}, u_), from({n}, weight_), level_};
  }

 private:
  const std::vector<Level>& levels_;
  int equations_;
  std::vector<double> x_, u_, weight_;
  std::vector<std::int32_t> level_;
};

}  // namespace

Sample sample_adaptively(const Grid& grid, const Tensor& values, const Refinement& refinement) {
  check(grid);
  check(refinement, grid);
  if (values.shape.rank() != 2 || values.shape[0] != grid.count())
    throw InputError(
        fmt::format("values of shape {} for a grid of {} cells", to_string(values.shape), grid.count()));
  const int equations = static_cast<int>(values.shape[1]);
  std::vector<Level> levels{{grid, 1, to_vector(values), {}}};  // finest first for now
  for (auto ratio = refinement.ratios.rbegin(); ratio != refinement.ratios.rend(); ++ratio)
    levels.push_back(coarsened(levels.back(), *ratio, equations));
  std::reverse(levels.begin(), levels.end());
  for (std::size_t l = 0; l + 1 < levels.size(); ++l) mark(levels[l], equations, refinement);

  Sampler sampler(levels, equations);
  for (std::int64_t j = 0; j < levels[0].grid.cells[1]; ++j)
    for (std::int64_t i = 0; i < levels[0].grid.cells[0]; ++i) sampler.visit(0, i, j);
  return sampler.sample();
}

void check(const Refinement& refinement, const Grid& grid) {
  std::int64_t all = 1;
  for (const std::int64_t ratio : refinement.ratios) {
    if (ratio < 2 || ratio > 64)
      throw InputError(fmt::format("a refinement ratio of {}; 2 to 64 are possible", ratio));
    all *= ratio;
    for (int axis = 0; axis < grid.dims; ++axis)
      if (const std::int64_t n = grid.cells[static_cast<std::size_t>(axis)]; all > n || n % all != 0)
        throw InputError(fmt::format("{} cells a side cannot be coarsened by the ratios {}", n,
                                     fmt::join(refinement.ratios, ", ")));
  }
  if (!(refinement.tolerance >= 0))
    throw InputError(fmt::format("a refinement tolerance of {}", refinement.tolerance));
  if (refinement.buffer < 0 || refinement.buffer > 1000)
    throw InputError(fmt::format("a buffer of {} cells", refinement.buffer));
}

Tensor cell_sizes(const Refinement& refinement, const Grid& grid) {
  std::vector<double> sizes;
  for (std::int64_t l = 0; l < refinement.levels(); ++l)
    for (int axis = 0; axis < grid.dims; ++axis) {
      double size = grid.size(axis);
      for (std::size_t finer = static_cast<std::size_t>(l); finer < refinement.ratios.size(); ++finer)
        size *= static_cast<double>(refinement.ratios[finer]);
      sizes.push_back(size);
    }
  return from({refinement.levels(), grid.dims}, sizes);
}

}  // namespace lowtide::pde
