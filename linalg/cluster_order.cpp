#include <fmt/format.h>
#include <lowtide/linalg/block_structure.h>
#include <lowtide/linalg/cluster_order.h>
#include <lowtide/linalg/krylov.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace lowtide {
namespace {

using Order = std::vector<std::int64_t>;

void require_items(const char* op, const Tensor& items, std::int64_t leaf) {
  require_matrix(op, items);
  require_finite(op, items);
  if (leaf < 1) fail<ShapeError>(op, fmt::format("leaves of {}", leaf));
}

// Cuts clusters level by level, all of a level at the same time. coordinates(items) are what a cluster is cut
// at the median of.
template <class Coordinates>
Order ordered(std::int64_t n, std::int64_t leaf, const Coordinates& coordinates) {
  Order order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::pair<std::int64_t, std::int64_t>> clusters{{0, n}};
  while (!clusters.empty()) {
    std::erase_if(clusters, [&](const auto& c) { return c.second - c.first <= leaf; });
    parallel_for(std::ssize(clusters), [&](std::int64_t index) {
      const auto [begin, end] = clusters[static_cast<std::size_t>(index)];
      const auto first = order.begin() + begin, last = order.begin() + end,
                 half = order.begin() + middle(begin, end);
      const Order items(first, last);
      const std::vector<double> x = coordinates(items);
      Order by(items.size());
      std::iota(by.begin(), by.end(), 0);
      std::sort(by.begin(), by.end(), [&](std::int64_t a, std::int64_t b) {
        const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
        return std::pair(x[i], items[i]) < std::pair(x[j], items[j]);
      });
      std::transform(by.begin(), by.end(), first,
                     [&](std::int64_t i) { return items[static_cast<std::size_t>(i)]; });
      std::sort(first, half);
      std::sort(half, last);
    });
    std::vector<std::pair<std::int64_t, std::int64_t>> halves;
    for (const auto& [begin, end] : clusters) {
      halves.emplace_back(begin, middle(begin, end));
      halves.emplace_back(middle(begin, end), end);
    }
    clusters = halves;
  }
  return order;
}

// Rows of unit length; zero ones stay.
Tensor directions(const Tensor& vectors) {
  Tensor v = scaled_to_one(vectors.cast(Dtype::f64)).value.clone();
  double* p = v.mutable_data<double>();
  const std::int64_t k = v.shape[1];
  const auto divide = [&](double size) {
    if (size > 0)
      for (std::int64_t j = 0; j < k; ++j) p[j] /= size;
  };
  for (std::int64_t i = 0; i < v.shape[0]; ++i, p += k) {
    divide(max_abs(v.rows(i, i + 1)));  // else squares of a row far below the others leave the range
    divide(blas::nrm2(k, p));
  }
  return v;
}

}  // namespace

Order order_by_position(const Tensor& points, std::int64_t leaf) {
  require_items("order_by_position", points, leaf);
  const std::int64_t d = points.shape[1];
  const Tensor wide = points.cast(Dtype::f64);
  const double* p = wide.data<double>();
  return ordered(points.shape[0], leaf, [&](const Order& items) {
    std::int64_t axis = 0;
    double longest = -1;
    for (std::int64_t a = 0; a < d; ++a) {
      double low = std::numeric_limits<double>::infinity(), high = -low;
      for (std::int64_t i : items) low = std::min(low, p[i * d + a]), high = std::max(high, p[i * d + a]);
      if (high - low > longest) longest = high - low, axis = a;
    }
    std::vector<double> x;
    for (std::int64_t i : items) x.push_back(d ? p[i * d + axis] : 0);
    return x;
  });
}

Order order_by_similarity(const Tensor& vectors, std::int64_t leaf, Alike alike) {
  require_items("order_by_similarity", vectors, leaf);
  const std::int64_t n = vectors.shape[0];
  if (n <= leaf) return ordered(n, leaf, [](const Order&) { return std::vector<double>{}; });
  const Tensor v = directions(vectors);
  Tensor products({n, n}, Dtype::f64);
  double* g = products.mutable_data<double>();
  constexpr std::int64_t tile = 128;
  parallel_for((n + tile - 1) / tile, [&](std::int64_t t) {
    const std::int64_t begin = t * tile, m = std::min(tile, n - begin), k = v.shape[1];
    blas::gemm<double>(Trans::no, Trans::yes, m, n, k, 1, v.data<double>() + begin * k, k, v.data<double>(), k,
                       0, g + begin * n, n);
    if (alike == Alike::line)
      for (double& x : std::span(g + begin * n, static_cast<std::size_t>(m * n))) x *= x;
  });
  const Stream stream(1, "order by similarity");
  return ordered(n, leaf, [&](const Order& items) {
    // Coordinates along the principal direction of vectors are the leading eigenvector of their centred
    // products.
    const std::int64_t m = std::ssize(items);
    Tensor gram({m, m}, Dtype::f64);
    double* p = gram.mutable_data<double>();
    for (std::int64_t i : items)
      for (std::int64_t j : items) *p++ = g[i * n + j];
    const auto centred = [m](const Tensor& x) {
      Tensor y = x.clone();
      const double mean = dot(x, ones({m}, Dtype::f64)) / static_cast<double>(m);
      for (double& e : y.mutable_view<double>()) e -= mean;
      return y;
    };
    const LinOp A =
        symmetric_op(m, Dtype::f64, [&](const Tensor& x) { return centred(multiply(gram, centred(x))); });
    Stream rng = stream.child("cluster", static_cast<std::uint64_t>(items.front() * n + items.back()));
    constexpr std::int64_t steps = 24;
    const Ritz ritz = lanczos(A, std::min(steps, m), rng);
    std::vector<double> x;
    const std::int64_t pairs = ritz.values.size();
    // The sign means nothing: the first item stands in the first half.
    const double sign = ritz.vectors.at(pairs - 1) > 0 ? -1 : 1;
    for (std::int64_t i = 0; i < m; ++i) x.push_back(sign * ritz.vectors.at(i * pairs + pairs - 1));
    return x;
  });
}

}  // namespace lowtide
