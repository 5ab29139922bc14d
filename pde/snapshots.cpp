#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/pde/snapshots.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace lowtide::pde {
namespace {

Tensor stacked(const std::vector<Tensor>& parts) {
  std::int64_t rows = 0;
  for (const Tensor& part : parts) rows += part.shape[0];
  Tensor all(parts[0].shape.with(0, rows), Dtype::f64);
  double* out = all.mutable_data<double>();
  for (const Tensor& part : parts) out = std::copy_n(part.data<double>(), part.size(), out);
  return all;
}

}  // namespace

namespace {

// What the frames take at least; better refused now than when memory is full.
void check_room(const Grid& grid, const Refinement& refinement, std::int64_t frames, int equations) {
  double cells = static_cast<double>(grid.count());
  for (const std::int64_t ratio : refinement.ratios) cells /= std::pow(static_cast<double>(ratio), grid.dims);
  const double numbers =
      cells * static_cast<double>(frames) * (equations + (refinement.ratios.empty() ? 0 : grid.dims + 1));
  const double room =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (16 * numbers > room)  // frames are held once by themselves and once as a set
    throw InputError(fmt::format("{} frames of {} cells need {:.0f} GB, more than the memory of {:.0f} GB",
                                 frames, cells, 16e-9 * numbers, 1e-9 * room));
}

}  // namespace

Snapshots record(Solver& solver, const Times& times, const SnapshotOptions& options) {
  if (times.frames < 2 || times.frames > 1000000)
    throw InputError(fmt::format("{} frames; 2 to 1000000 are possible", times.frames));
  if (!(times.end > solver.time()) || !std::isfinite(times.end))
    throw InputError(
        fmt::format("the final time {} does not come after the start at {}", times.end, solver.time()));
  const Grid& grid = solver.grid();
  const Refinement& refinement = options.refinement;
  check(refinement, grid);
  check_room(grid, refinement, times.frames, solver.law().equations);
  const bool adaptive = !refinement.ratios.empty();

  Snapshots set;
  set.law = solver.law().name;
  set.fields = solver.law().fields;
  for (int axis = 0; axis < grid.dims; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    set.low.push_back(grid.low[a]);
    set.high.push_back(grid.high[a]);
    if (!adaptive) set.grid.push_back(grid.cells[a]);
    for (std::size_t side : {2 * a, 2 * a + 1}) set.boundary.push_back(name_of(grid.sides[side]));
  }
  if (adaptive) set.cell = cell_sizes(refinement, grid);

  std::vector<double> t;
  std::vector<Tensor> x, u, weight;
  set.offsets.push_back(0);
  const double start = solver.time();
  for (std::int64_t k = 0; k < times.frames; ++k) {
    const double part = static_cast<double>(k) / static_cast<double>(times.frames - 1);
    const double time = k + 1 == times.frames ? times.end : start + part * (times.end - start);
    while (solver.time() < time) {
      solver.step(time);
      if (options.watch) options.watch(solver);
    }
    t.push_back(time);
    if (adaptive || k == 0) {
      Sample sample = sample_adaptively(grid, solver.values(), refinement);
      x.push_back(sample.x);
      weight.push_back(sample.weight);
      u.push_back(sample.u);
      if (adaptive) set.level.insert(set.level.end(), sample.level.begin(), sample.level.end());
    } else {
      u.push_back(solver.values());
    }
    set.offsets.push_back(set.offsets.back() + u.back().shape[0]);
  }
  set.t = from({times.frames}, t);
  set.x = stacked(x);
  set.u = stacked(u);
  set.weight = stacked(weight);
  check(set, set.law);
  return set;
}

}  // namespace lowtide::pde
