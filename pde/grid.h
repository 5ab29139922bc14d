// A uniform grid in one or two dimensions, and what lies beyond each of its sides.
#pragma once
#include <array>
#include <cstdint>
#include <string>

namespace lowtide::pde {

enum class Boundary { periodic, wall, outflow };
const char* name_of(Boundary boundary);
Boundary boundary_named(const std::string& name);  // InputError

// The cells of one row come one after the other in memory, rows along y.
struct Grid {
  int dims = 1;
  std::array<std::int64_t, 2> cells{1, 1};
  std::array<double, 2> low{0, 0}, high{1, 1};
  std::array<Boundary, 4> sides{};  // low x, high x, low y, high y

  double size(int axis) const {
    const auto a = static_cast<std::size_t>(axis);
    return (high[a] - low[a]) / static_cast<double>(cells[a]);
  }
  // Of the face on the low side of cell i; centres lie at i + 1/2.
  double place(int axis, double i) const {
    const auto a = static_cast<std::size_t>(axis);
    return low[a] + i * (high[a] - low[a]) / static_cast<double>(cells[a]);
  }
  double area() const { return dims == 1 ? size(0) : size(0) * size(1); }
  std::int64_t count() const { return cells[0] * cells[1]; }
};

struct Grid1D {
  std::int64_t cells = 100;
  double low = 0, high = 1;
  std::array<Boundary, 2> sides{};  // low, high

  operator Grid() const { return {1, {cells, 1}, {low, 0}, {high, 1}, {sides[0], sides[1]}}; }
};

struct Grid2D {
  std::array<std::int64_t, 2> cells{100, 100};
  std::array<double, 2> low{0, 0}, high{1, 1};
  std::array<Boundary, 4> sides{};  // low x, high x, low y, high y

  operator Grid() const { return {2, cells, low, high, sides}; }
};

void check(const Grid& grid);  // InputError if it cannot be computed on

}  // namespace lowtide::pde
