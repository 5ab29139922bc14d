#include <fmt/format.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/mollifier.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lowtide {
namespace {

// The integral from 0 to k + f of a field of unit cells that goes on beyond [0, n].
struct Integral {
  const double* sums;  // from 0 to k = 0 ... n
  std::int64_t n;
  Edge edge;

  double inside(std::int64_t k, double f) const {
    return f == 0 ? sums[k] : sums[k] + f * (sums[k + 1] - sums[k]);
  }
  double at(std::int64_t k, double f) const {
    const std::int64_t period = edge == Edge::periodic ? n : 2 * n;
    std::int64_t turns = k / period;
    if (k % period < 0) --turns;
    k -= turns * period;
    // Over a period: once the sum, twice, or nothing.
    const double whole = sums[n], turned = static_cast<double>(turns);
    if (edge == Edge::periodic) return turned * whole + inside(k, f);
    const double all = edge == Edge::even ? turned * 2 * whole : 0;
    if (k < n) return all + inside(k, f);
    // Mirrored at n: n + z is as far as n - z.
    const std::int64_t back = f == 0 ? 2 * n - k : 2 * n - k - 1;
    const double mirrored = inside(back, f == 0 ? 0 : 1 - f);
    return all + (edge == Edge::even ? 2 * whole - mirrored : mirrored);
  }
};

}  // namespace

double mollifier_width(double w0, std::int64_t epoch, std::int64_t epochs) {
  if (epochs <= 0) return 0;
  return w0 * std::max(0.0, static_cast<double>(epochs - 2 * epoch) / static_cast<double>(epochs));
}

Tensor mollified(const Tensor& y, double w, double length, std::span<const Edge> edges) {
  const int rank = y.shape.rank();
  if (rank < 2 || rank > 3)
    fail<ShapeError>("mollified", fmt::format("data {}, not (n,c) or (T,n,c)", to_string(y.shape)));
  const std::int64_t n = y.shape[rank - 2], c = y.shape[rank - 1], frames = rank == 3 ? y.shape[0] : 1;
  if (edges.size() != 1 && std::ssize(edges) != c)
    fail<ShapeError>("mollified", fmt::format("{} edges for {} fields", edges.size(), c));
  if (!(w >= 0) || !std::isfinite(w) || !(length > 0))
    fail<Error>("mollified", fmt::format("half a width {} in a domain of length {}", w, length));
  const double half = w / length * static_cast<double>(n);  // in cells
  if (half <= .5 || y.size() == 0) return y;
  // From the centre of a cell to the end of the window: whole cells and a fraction, the same for all.
  const double right = std::floor(.5 + half), right_part = .5 + half - right;
  const double left = std::floor(.5 - half), left_part = .5 - half - left;
  if (right > 1e15) fail<Error>("mollified", fmt::format("a window of {} cells", 2 * half));
  Tensor result(y.shape, y.dtype);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = y.data<T>();
    T* to = result.mutable_data<T>();
    parallel_for(frames, [&](std::int64_t frame) {
      std::vector<double> sums(static_cast<std::size_t>(n + 1));
      for (std::int64_t field = 0; field < c; ++field) {
        const T* data = from + frame * n * c + field;
        for (std::int64_t i = 0; i < n; ++i)
          sums[static_cast<std::size_t>(i + 1)] =
              sums[static_cast<std::size_t>(i)] + static_cast<double>(data[i * c]);
        const Integral integral{sums.data(), n, edges[edges.size() == 1 ? 0 : static_cast<std::size_t>(field)]};
        for (std::int64_t i = 0; i < n; ++i) {
          const double over = integral.at(i + static_cast<std::int64_t>(right), right_part) -
                              integral.at(i + static_cast<std::int64_t>(left), left_part);
          to[frame * n * c + i * c + field] = static_cast<T>(over / (2 * half));
        }
      }
    });
  });
  return result;
}

}  // namespace lowtide
