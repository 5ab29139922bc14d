#include <fmt/format.h>
#include <lowtide/optim/losses.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

void require_fitting(const char* where, const Shape& data, const Shape& weights) {
  const bool column = weights.rank() == 1 || (weights.rank() == 2 && weights[1] == 1);
  if (!column || data.rank() == 0 || data.rank() > 2 || weights.rows() != data.rows())
    fail<ShapeError>(where, fmt::format("weights {} for the rows of {}", to_string(weights), to_string(data)));
}

}  // namespace

Var Misfit::numerator(const Var& prediction, const Var& data, const Var& weights, const Var& scales) const {
  if (!(prediction.shape() == data.shape()))  // would broadcast, and mean something else
    fail<ShapeError>("misfit", fmt::format("shapes differ: prediction {}, data {}",
                                           to_string(prediction.shape()), to_string(data.shape())));
  const Var d = prediction - data;
  Var term;
  switch (kind) {
    case Kind::squares:
      term = square(d);
      break;
    case Kind::absolute:
      term = abs(d);
      break;
    case Kind::charbonnier: {
      if (!(delta > 0)) fail<Error>("misfit", fmt::format("delta = {} is not positive", delta));
      // sqrt(d^2 + delta^2) - delta without cancellation where d is small.
      const Var squared = square(d);
      term = squared / (sqrt(squared + delta * delta) + delta);
    }
  }
  if (scales) {
    if (scales.shape() != Shape({data.shape().row_size()}))
      fail<ShapeError>("misfit", fmt::format("scales {} for the columns of {}", to_string(scales.shape()),
                                             to_string(data.shape())));
    term = term * scales;
  }
  if (!weights) return sum(term);
  require_fitting("misfit", data.shape(), weights.shape());
  return sum(term * reshape(weights, data.shape().rank() == 1 ? data.shape() : Shape{data.shape()[0], 1}));
}

double Misfit::denominator(const Tensor& data, const Tensor& weights, std::int64_t column) const {
  if (weights) require_fitting("misfit", data.shape, weights.shape);
  const std::int64_t row = std::max<std::int64_t>(1, data.shape.row_size());
  double total = 0;
  dispatch(data.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* y = data.data<T>();
    for (std::int64_t i = column < 0 ? 0 : column; i < data.size(); i += column < 0 ? 1 : row) {
      const double v = static_cast<double>(y[i]), w = weights ? weights.at(i / row) : 1;
      total += w * (kind == Kind::squares ? v * v : std::abs(v));
    }
  });
  return total;
}

Var misfit(const Misfit& kind, const Var& prediction, const Tensor& data, const Tensor& weights) {
  const double scale = kind.denominator(data, weights);
  if (!(scale > 0)) fail<Error>("misfit", "data that are zero everywhere have no relative misfit");
  return kind.numerator(prediction, Var(data), weights ? Var(weights) : Var()) * (1 / scale);
}

Var sparsity_penalty(const Var& s, std::span<const std::int64_t> blocks, double gamma) {
  const int rank = s.shape().rank();
  std::int64_t total = 0;
  for (const std::int64_t b : blocks) {
    if (b < 1) fail<ShapeError>("sparsity_penalty", fmt::format("a block of {} coefficients", b));
    total += b;
  }
  if (rank < 1 || rank > 2 || s.shape()[rank - 1] != total)
    fail<ShapeError>("sparsity_penalty",
                     fmt::format("blocks of {} coefficients in all, s {}", total, to_string(s.shape())));
  Var penalty(scalar(0, s.dtype()));
  std::int64_t begin = 0;
  for (const std::int64_t b : blocks) {
    const std::int64_t end = begin + b;
    if (b > 1)
      penalty =
          penalty + sum(relu(gamma * slice(s, rank - 1, begin + 1, end) - slice(s, rank - 1, begin, end - 1)));
    begin = end;
  }
  return penalty;
}

Var sparsity_penalty(const Var& s, std::int64_t block, double gamma) {
  if (block < 1 || s.size() % block != 0 || s.shape().rank() < 1 ||
      s.shape()[s.shape().rank() - 1] % block != 0)
    fail<ShapeError>("sparsity_penalty", fmt::format("blocks of {}, s {}", block, to_string(s.shape())));
  const Var rows = reshape(s, {s.size() / block, block});
  return sum(relu(gamma * slice(rows, 1, 1, block) - slice(rows, 1, 0, block - 1)));
}

Var orthogonality_penalty(std::span<const Var> factors, Gram gram) {
  if (factors.empty()) fail<ShapeError>("orthogonality_penalty", "no factors");
  Var penalty(scalar(0, factors[0].dtype()));
  for (const Var& a : factors) {
    if (a.shape().rank() != 2 || a.size() == 0)
      fail<ShapeError>("orthogonality_penalty", fmt::format("a factor {}", to_string(a.shape())));
    const std::int64_t r = a.shape()[0], width = a.shape()[1];
    const bool other = gram == Gram::smaller && width < r;
    const Var product = other ? matmul(a, a, Trans::yes, Trans::no)   // (r,M)T x (r,M) -> (M,M)
                              : matmul(a, a, Trans::no, Trans::yes);  // (r,M) x (r,M)T -> (r,r)
    penalty = penalty + sum(square(product - Var(eye(other ? width : r, a.dtype())))) *
                            (1 / static_cast<double>(a.size()));
  }
  return penalty;
}

double orthogonality_floor(std::span<const Shape> factors) {
  double least = 0;
  for (const Shape& a : factors)
    if (a[0] > a[1]) least += static_cast<double>(a[0] - a[1]) / static_cast<double>(a.size());
  return least;
}

Var rank_penalty(const Var& weight, std::int64_t grid, double delta) {
  const std::int64_t m = weight.shape()[0], n = weight.shape()[1], cuts = std::min(grid, std::min(m, n));
  Var sum = number_like(weight, 0);
  for (std::int64_t i = 0; i < cuts; ++i)
    for (std::int64_t j = 0; j < cuts; ++j) {
      const Var rows = slice(weight, 0, i * m / cuts, (i + 1) * m / cuts),
                b = slice(rows, 1, j * n / cuts, (j + 1) * n / cuts);
      const bool wide = b.shape()[0] <= b.shape()[1];
      const Var gram = wide ? matmul(b, b, Trans::no, Trans::yes) : matmul(b, b, Trans::yes);
      sum = sum + log_det(gram * (1 / delta) + Var(eye(gram.shape()[0], b.dtype())));
    }
  return sum;
}

}  // namespace lowtide
