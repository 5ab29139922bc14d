#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/pde/grid.h>

#include <cmath>

namespace lowtide::pde {
namespace {
constexpr const char* names[] = {"periodic", "wall", "outflow"};
}

const char* name_of(Boundary boundary) { return names[static_cast<int>(boundary)]; }

Boundary boundary_named(const std::string& name) {
  for (int i = 0; i < 3; ++i)
    if (name == names[i]) return static_cast<Boundary>(i);
  throw InputError("unknown boundary '" + name + "'; there are periodic, wall, outflow");
}

void check(const Grid& grid) {
  if (grid.dims != 1 && grid.dims != 2) throw InputError(fmt::format("a grid of {} dimensions", grid.dims));
  if (grid.dims == 1 && grid.cells[1] != 1)
    throw InputError(fmt::format("a grid of one dimension with {} rows", grid.cells[1]));
  for (int axis = 0; axis < grid.dims; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const char name = "xy"[axis];
    if (grid.cells[a] < 4 || grid.cells[a] > 1000000)
      throw InputError(fmt::format("{} cells along {}; 4 to 1000000 are possible", grid.cells[a], name));
    if (!(grid.high[a] > grid.low[a]) || !std::isfinite(grid.high[a] - grid.low[a]))
      throw InputError(
          fmt::format("the domain reaches from {} to {} along {}", grid.low[a], grid.high[a], name));
    if ((grid.sides[2 * a] == Boundary::periodic) != (grid.sides[2 * a + 1] == Boundary::periodic))
      throw InputError(fmt::format("one side along {} is periodic, the other {}", name,
                                   name_of(grid.sides[2 * a + (grid.sides[2 * a] == Boundary::periodic)])));
  }
  if (grid.count() > 100000000) throw InputError(fmt::format("{} cells are too many", grid.count()));
}

}  // namespace lowtide::pde
