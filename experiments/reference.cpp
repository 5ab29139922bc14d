#include <lowtide/experiments/reference.h>
#include <lowtide/linalg/parallel.h>

namespace lowtide {

ReferenceGrid reference_grid(const Pinn& pinn, std::vector<std::int64_t> cells, std::int64_t frames) {
  ReferenceGrid grid{.box = pinn.box,
                     .cells = std::move(cells),
                     .times = {0},
                     .fields = pinn.fields,
                     .parameters = pinn.parameters};
  if (pinn.in_time()) {
    grid.times = to_vector(linspace(pinn.box.low.back(), pinn.box.high.back(), frames, Dtype::f64));
    grid.box.low.pop_back();
    grid.box.high.pop_back();
  }
  return grid;
}

Snapshots on_grid(const ReferenceGrid& grid, const PointSolution& solution) {
  Snapshots set;
  set.fields = grid.fields;
  set.low = grid.box.low;
  set.high = grid.box.high;
  set.boundary.assign(2 * grid.box.low.size(), grid.boundary);
  set.grid = grid.cells;
  const std::int64_t d = grid.box.dims(), c = std::ssize(grid.fields), T = std::ssize(grid.times);
  const std::vector<std::vector<double>> mus = grid.mu.empty() ? std::vector<std::vector<double>>{{}} : grid.mu;
  std::int64_t n = 1;
  double area = 1;
  for (std::int64_t k = 0; k < d; ++k) {
    const auto axis = static_cast<std::size_t>(k);
    n *= grid.cells[axis];
    area *= (set.high[axis] - set.low[axis]) / static_cast<double>(grid.cells[axis]);
  }
  set.x = Tensor({n, d}, Dtype::f64);
  for (std::int64_t i = 0, rest; i < n; ++i) {
    rest = i;
    for (std::int64_t k = 0; k < d; ++k) {
      const auto axis = static_cast<std::size_t>(k);
      const double at =
          (static_cast<double>(rest % grid.cells[axis]) + .5) / static_cast<double>(grid.cells[axis]);
      set.x.mutable_data<double>()[i * d + k] = set.low[axis] + at * (set.high[axis] - set.low[axis]);
      rest /= grid.cells[axis];
    }
  }
  set.weight = full({n}, area, Dtype::f64);
  const std::int64_t frames = T * std::ssize(mus);
  set.t = Tensor({frames}, Dtype::f64);
  if (!grid.parameters.empty()) {
    set.parameters = grid.parameters;
    set.mu = Tensor({frames, std::ssize(grid.parameters)}, Dtype::f64);
  }
  set.u = Tensor({frames * n, c}, Dtype::f64);
  set.offsets = {0};
  double *u = set.u.mutable_data<double>(), *t = set.t.mutable_data<double>();
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const std::vector<double>& mu = mus[static_cast<std::size_t>(frame / T)];
    t[frame] = grid.times[static_cast<std::size_t>(frame % T)];
    for (std::size_t k = 0; k < mu.size(); ++k)
      set.mu.mutable_data<double>()[frame * set.mu.shape[1] + static_cast<std::int64_t>(k)] = mu[k];
    set.offsets.push_back((frame + 1) * n);
  }
  const double* x = set.x.data<double>();
  constexpr std::int64_t at_once = 256;
  const std::int64_t pieces = (n + at_once - 1) / at_once;
  parallel_for(frames * pieces, [&](std::int64_t k) {
    const std::int64_t frame = k / pieces, piece = k % pieces;
    for (std::int64_t i = piece * at_once; i < std::min(n, (piece + 1) * at_once); ++i)
      solution(x + i * d, t[frame], mus[static_cast<std::size_t>(frame / T)], u + (frame * n + i) * c);
  });
  check(set, "the reference solution");
  return set;
}

}  // namespace lowtide
