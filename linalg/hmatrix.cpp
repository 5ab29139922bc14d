#include <fmt/format.h>
#include <lowtide/linalg/hmatrix.h>
#include <lowtide/linalg/krylov.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/randomized_svd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace lowtide {
namespace {

using Order = std::vector<std::int64_t>;

void require_order(const char* op, const Order& order, std::int64_t n) {
  if (order.empty()) return;
  std::vector<bool> seen(static_cast<std::size_t>(n));
  bool good = std::ssize(order) == n;
  for (std::size_t k = 0; good && k < order.size(); ++k) {
    good = order[k] >= 0 && order[k] < n && !seen[static_cast<std::size_t>(order[k])];
    if (good) seen[static_cast<std::size_t>(order[k])] = true;
  }
  if (!good) fail<ShapeError>(op, fmt::format("an order of {} is none of 0 ... {}", order.size(), n - 1));
}

void require_hmatrix(const char* op, const HMatrix& h) {
  if (h.values.shape.rank() != 1 || h.values.size() != h.structure.entries())
    fail<ShapeError>(
        op, fmt::format("{} values for a structure of {}", to_string(h.values.shape), h.structure.entries()));
  require_order(op, h.row_order, h.structure.rows);
  require_order(op, h.col_order, h.structure.cols);
}

// Rows of the result in bands, each with the blocks that it meets: bands can be computed at the same time. They
// are halves of halves as the blocks are, so that a block either lies in one band or is a row of whole ones.
struct Bands {
  std::vector<std::int64_t> border;              // of the bands
  std::vector<std::vector<std::size_t>> blocks;  // in each band, in preorder
};

Bands bands_of(const BlockStructure& s, bool transposed) {
  constexpr std::int64_t width = 128;  // rows of a band, at most
  Bands bands;
  std::vector<std::int64_t>& border = bands.border;
  border = {0, transposed ? s.cols : s.rows};
  while (border[1] > width) {
    std::vector<std::int64_t> finer{0};
    for (std::size_t i = 0; i + 1 < border.size(); ++i) {
      finer.push_back(middle(border[i], border[i + 1]));
      finer.push_back(border[i + 1]);
    }
    border = finer;
  }
  bands.blocks.resize(border.size() - 1);
  for (std::size_t i = 0; i < s.blocks.size(); ++i) {
    const Block& b = s.blocks[i];
    if (b.entries() == 0) continue;
    const std::int64_t begin = transposed ? b.col : b.row, end = begin + (transposed ? b.cols : b.rows);
    auto band =
        static_cast<std::size_t>(std::upper_bound(border.begin(), border.end(), begin) - border.begin()) - 1;
    for (; band + 1 < border.size() && border[band] < end; ++band) bands.blocks[band].push_back(i);
  }
  return bands;
}

// Y (m,k) += op(H) X for columns [first, first + n) of X and Y, both in the order of the structure. First all
// VT X, then band after band; each of the two in parallel.
template <class T>
void add_columns(const HMatrix& h, const Bands& bands, bool transposed, const T* x, T* y, std::int64_t k,
                 std::int64_t first, std::int64_t n) {
  const BlockStructure& s = h.structure;
  const Trans t = transposed ? Trans::yes : Trans::no;
  const T* values = h.values.data<T>();
  const std::vector<std::int64_t> at = value_offsets(s);
  std::vector<std::int64_t> place{0};  // of the rows of VT X
  for (const Block& b : s.blocks) place.push_back(place.back() + std::max<std::int64_t>(b.rank, 0));
  PoolVector<T> inner(static_cast<std::size_t>(place.back() * n));
  parallel_for(std::ssize(s.blocks), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    const Block& b = s.blocks[i];
    if (b.dense() || b.entries() == 0) return;
    T* w = inner.data() + place[i] * n;
    if (transposed)
      blas::gemm<T>(t, Trans::no, b.rank, n, b.rows, T{1}, values + at[i], b.rank, x + b.row * k + first, k,
                    T{0}, w, n);
    else
      blas::gemm<T>(t, Trans::no, b.rank, n, b.cols, T{1}, values + at[i] + b.rows * b.rank, b.cols,
                    x + b.col * k + first, k, T{0}, w, n);
  });
  parallel_for(std::ssize(bands.blocks), [&](std::int64_t band) {
    const std::int64_t low = bands.border[static_cast<std::size_t>(band)],
                       high = bands.border[static_cast<std::size_t>(band) + 1];
    for (std::size_t i : bands.blocks[static_cast<std::size_t>(band)]) {
      const Block& b = s.blocks[i];
      const std::int64_t start = transposed ? b.col : b.row, stop = start + (transposed ? b.cols : b.rows);
      const std::int64_t begin = std::max(low, start), m = std::min(high, stop) - begin;
      T* out = y + begin * k + first;
      const T* block = values + at[i];
      const T* w = inner.data() + place[i] * n;
      // A row of U or of a dense block is a row of the result; of VT and for the transpose, a column.
      if (b.dense()) {
        const T* in = x + (transposed ? b.row : b.col) * k + first;
        blas::gemm<T>(t, Trans::no, m, n, transposed ? b.rows : b.cols, T{1},
                      block + (begin - start) * (transposed ? 1 : b.cols), b.cols, in, k, T{1}, out, k);
      } else if (transposed) {
        blas::gemm<T>(t, Trans::no, m, n, b.rank, T{1}, block + b.rows * b.rank + begin - start, b.cols, w, n,
                      T{1}, out, k);
      } else {
        blas::gemm<T>(t, Trans::no, m, n, b.rank, T{1}, block + (begin - start) * b.rank, b.rank, w, n, T{1},
                      out, k);
      }
    }
  });
}

// Row k of the result is row order[k] of x, or the other way round.
Tensor gathered(const Tensor& x, const Order& order) { return permuted(x, order, {}); }

Tensor scattered(const Tensor& x, const Order& order) {
  Order inverse(order.size());
  for (std::size_t k = 0; k < order.size(); ++k)
    inverse[static_cast<std::size_t>(order[k])] = static_cast<std::int64_t>(k);
  return permuted(x, inverse, {});
}

Tensor product(const char* op, const HMatrix& h, const Tensor& x, bool transposed) {
  require_hmatrix(op, h);
  require_same_dtype(op, h.values, x);
  const std::int64_t in = transposed ? h.structure.rows : h.structure.cols,
                     out = transposed ? h.structure.cols : h.structure.rows;
  const bool vector = x.shape.rank() == 1;
  if ((!vector && x.shape.rank() != 2) || x.shape[0] != in)
    fail<ShapeError>(op, fmt::format("{} for a matrix ({},{}){}", to_string(x.shape), h.structure.rows,
                                     h.structure.cols, transposed ? "^T" : ""));
  const std::int64_t k = vector ? 1 : x.shape[1];
  const Tensor from = gathered(x, transposed ? h.row_order : h.col_order);
  Tensor y = zeros(vector ? Shape{out} : Shape{out, k}, x.dtype);
  const Bands bands = bands_of(h.structure, transposed);
  constexpr std::int64_t tile = 256;  // columns at a time: bounds the memory for the products VT X
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = y.mutable_data<T>();
    for (std::int64_t first = 0; first < k; first += tile)
      add_columns<T>(h, bands, transposed, from.data<T>(), p, k, first, std::min(tile, k - first));
  });
  return scattered(y, transposed ? h.col_order : h.row_order);
}

}  // namespace

Tensor permuted(const Tensor& a, const Order& row_order, const Order& col_order) {
  require_order("permuted", row_order, a.shape.rows());
  require_order("permuted", col_order, a.shape.row_size());
  if (row_order.empty() && col_order.empty()) return a;
  Tensor p(a.shape, a.dtype);
  const std::int64_t cols = a.shape.row_size();
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = p.mutable_data<T>();
    for (std::int64_t i = 0; i < a.shape.rows(); ++i, to += cols) {
      const T* from = a.data<T>() + (row_order.empty() ? i : row_order[static_cast<std::size_t>(i)]) * cols;
      if (col_order.empty())
        std::copy_n(from, cols, to);
      else
        for (std::int64_t j = 0; j < cols; ++j) to[j] = from[col_order[static_cast<std::size_t>(j)]];
    }
  });
  return p;
}

Tensor block_of(const Tensor& a, const Block& b) {
  Tensor p({b.rows, b.cols}, a.dtype);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = p.mutable_data<T>();
    for (std::int64_t i = 0; i < b.rows; ++i)
      std::copy_n(a.data<T>() + (b.row + i) * a.shape[1] + b.col, b.cols, to + i * b.cols);
  });
  return p;
}

Tensor dense(const HMatrix& h) {
  require_hmatrix("dense", h);
  const BlockStructure& s = h.structure;
  Tensor a = zeros({s.rows, s.cols}, h.values.dtype);
  const std::vector<std::int64_t> at = value_offsets(s);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = a.mutable_data<T>();
    parallel_for(std::ssize(s.blocks), [&](std::int64_t index) {
      const auto i = static_cast<std::size_t>(index);
      const Block& b = s.blocks[i];
      const T* v = h.values.data<T>() + at[i];
      T* corner = to + b.row * s.cols + b.col;
      if (b.dense())
        for (std::int64_t r = 0; r < b.rows; ++r) std::copy_n(v + r * b.cols, b.cols, corner + r * s.cols);
      else if (b.entries() > 0)
        blas::gemm<T>(Trans::no, Trans::no, b.rows, b.cols, b.rank, T{1}, v, b.rank, v + b.rows * b.rank,
                      b.cols, T{0}, corner, s.cols);
    });
  });
  if (h.row_order.empty() && h.col_order.empty()) return a;
  a = scattered(a, h.row_order);
  return h.col_order.empty() ? a : transposed(scattered(transposed(a), h.col_order));
}

Tensor multiply(const HMatrix& h, const Tensor& x) { return product("multiply", h, x, false); }
Tensor multiply_transposed(const HMatrix& h, const Tensor& x) {
  return product("multiply_transposed", h, x, true);
}

LinOp linop_of(const HMatrix& h) {
  require_hmatrix("linop_of", h);
  return {h.structure.rows,
          h.structure.cols,
          h.values.dtype,
          [h](const Tensor& x) { return multiply(h, x); },
          [h](const Tensor& x) { return multiply_transposed(h, x); },
          true};
}

double norm(const HMatrix& h) {
  require_hmatrix("norm", h);
  const BlockStructure& s = h.structure;
  if (s.blocks.empty()) return 0;
  const std::vector<std::int64_t> at = value_offsets(s);
  const Scaled scaled = scaled_to_one(h.values.cast(Dtype::f64));
  const double square = tree_reduce(
      std::ssize(s.blocks),
      [&](std::int64_t index) {
        const auto i = static_cast<std::size_t>(index);
        const Block& b = s.blocks[i];
        const Tensor v = scaled.value.rows(at[i], at[i + 1]);
        if (b.dense() || b.entries() == 0) return dot(v, v);
        const Tensor u = v.rows(0, b.rows * b.rank).reshaped({b.rows, b.rank}),
                     vt = v.rows(b.rows * b.rank, v.size()).reshaped({b.rank, b.cols});
        return std::max(dot(multiply(u, u, Trans::yes), multiply(vt, vt, Trans::no, Trans::yes)), 0.0);
      },
      [](double& left, double right) { left += right; });
  return std::ldexp(std::sqrt(square), scaled.exponent);
}

std::int64_t bytes(const HMatrix& h) {
  return h.structure.bytes(h.values.dtype) + 4 * (std::ssize(h.row_order) + std::ssize(h.col_order));
}

HMatrix approximated(const Tensor& a, const BlockStructure& s, Stream& rng) {
  require_matrix("approximated", a);
  require_finite("approximated", a);
  if (a.shape[0] != s.rows || a.shape[1] != s.cols)
    fail<ShapeError>("approximated",
                     fmt::format("{} in a structure of ({},{})", to_string(a.shape), s.rows, s.cols));
  HMatrix h{s, Tensor({s.entries()}, a.dtype), {}, {}};
  const std::vector<std::int64_t> at = value_offsets(s);
  const Stream streams = rng.child("approximated", rng.bits(rng.counter++));
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* values = h.values.mutable_data<T>();
    parallel_for(std::ssize(s.blocks), [&](std::int64_t index) {
      const auto i = static_cast<std::size_t>(index);
      const Block& b = s.blocks[i];
      if (b.entries() == 0) return;
      const Tensor block = block_of(a, b);
      T* to = values + at[i];
      if (b.dense()) {
        std::copy_n(block.data<T>(), block.size(), to);
        return;
      }
      Stream stream = streams.child("block", static_cast<std::uint64_t>(index));
      const bool sketch = 4 * (b.rank + 10) < std::min(b.rows, b.cols);
      const Tensor vt = (sketch ? randomized_svd(block, b.rank, stream) : svd(block)).vt.rows(0, b.rank);
      const Tensor u = multiply(block, vt, Trans::no, Trans::yes);
      std::copy_n(u.data<T>(), u.size(), to);
      std::copy_n(vt.data<T>(), vt.size(), to + u.size());
    });
  });
  require_finite("approximated", h.values);
  return h;
}

double SingularEnds::condition() const {
  return smallest > 0 ? largest / smallest : std::numeric_limits<double>::infinity();
}

SingularEnds singular_ends(const HMatrix& h, Stream& rng, std::int64_t most_exact, std::int64_t steps) {
  require_finite("singular_ends", h.values);
  const std::int64_t n = std::min(h.structure.rows, h.structure.cols);
  if (n == 0) return {0, 0, true};
  if (n <= most_exact) {
    const Svd f = svd(dense(h).cast(Dtype::f64));
    return {f.s.at(0), f.s.at(n - 1), true};
  }
  // Of the two squares the smaller one, which is not singular for its shape alone.
  HMatrix wide = h;
  wide.values = h.values.cast(Dtype::f64);
  const LinOp A = linop_of(wide);
  const LinOp square =
      h.structure.rows < h.structure.cols ? product(A, transposed(A)) : product(transposed(A), A);
  const Ritz ritz = lanczos(square, std::min(steps, n), rng);
  const auto root = [](double x) { return std::sqrt(std::max(x, 0.0)); };
  return {root(ritz.values.at(ritz.values.size() - 1)), root(ritz.values.at(0)), false};
}

double condition_bound(double largest, double smallest, double e) {
  return e < smallest ? (largest + e) / (smallest - e) : std::numeric_limits<double>::infinity();
}

}  // namespace lowtide
