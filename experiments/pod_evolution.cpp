#include <lowtide/experiments/pod_evolution.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t per_tile = 512;

// In which cell of the grid a point lies.
std::int64_t cell_of(const pde::Grid& grid, const double* x) {
  std::int64_t index = 0;
  for (int a = grid.dims - 1; a >= 0; --a) {
    const auto axis = static_cast<std::size_t>(a);
    const auto i = static_cast<std::int64_t>(std::floor((x[a] - grid.low[axis]) / grid.size(a)));
    index = index * grid.cells[axis] + std::clamp<std::int64_t>(i, 0, grid.cells[axis] - 1);
  }
  return index;
}

}  // namespace

Tensor PodProblem::coordinates(const Tensor& u) const {
  Tensor weighted = u.clone();
  const std::int64_t c = u.shape[1];
  double* to = weighted.mutable_data<double>();
  for (std::int64_t i = 0; i < u.size(); ++i) to[i] *= weights.at(i / c);
  return multiply(pod.modes, weighted.reshaped({u.size()}));
}

Tensor PodProblem::field(const Tensor& a) const {
  return multiply(pod.modes, a, Trans::yes).reshaped({pod.points, pod.out});
}

Tensor PodProblem::rate(const Tensor& u, double t) const {
  const std::int64_t n = x.shape[0], c = pod.out;
  Tensor out({n, c}, Dtype::f64);
  double* to = out.mutable_data<double>();
  const double* from = u.data<double>();
  parallel_for((n + per_tile - 1) / per_tile, [&](std::int64_t tile) {
    const std::int64_t begin = tile * per_tile, end = std::min(n, begin + per_tile);
    const Tensor f = flux_rate(
        equation, grid,
        [&](const Tensor& at) {
          Tensor there({at.shape[0], c}, Dtype::f64);
          double* value = there.mutable_data<double>();
          for (std::int64_t i = 0; i < at.shape[0]; ++i) {
            const double* cell = from + c * cell_of(grid, at.data<double>() + i * grid.dims);
            for (std::int64_t k = 0; k < c; ++k) *value++ = cell[k] * size[static_cast<std::size_t>(k)];
          }
          return there;
        },
        x.rows(begin, end), t, limiter);
    for (std::int64_t i = 0; i < f.size(); ++i)
      to[begin * c + i] = f.at(i) / size[static_cast<std::size_t>(i % c)];
  });
  return out;
}

ModePath evolved(const PodProblem& problem, const Tensor& a, const std::vector<double>& times,
                 const EvolveOptions& options) {
  const double size = norm(a);  // modes are orthonormal
  return integrated(
      [&](double t, const Tensor& y) {
        const Tensor f = problem.coordinates(problem.rate(problem.field(y), t));
        require_finite("f", f);
        return f;
      },
      a, full({a.size()}, 1 / (size > 0 ? size : 1), Dtype::f64), times, options);
}

}  // namespace lowtide
