#include <fmt/format.h>
#include <lowtide/linalg/cluster_order.h>
#include <lowtide/linalg/kernel_hmatrix.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace lowtide {
namespace {

using Numbers = PoolVector<double>;

// The kernel on points that stand in the order of their clusters.
struct Matrix {
  const Kernel& kernel;
  const double *x, *y;
  std::int64_t d;

  void fill(std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols, double* out) const {
    kernel(x + row * d, rows, y + col * d, cols, out);
    for (std::int64_t i = 0; i < rows * cols; ++i)
      if (!std::isfinite(out[i]))
        fail<NonFiniteError>("kernel_hmatrix", fmt::format("the kernel is {} at two points", out[i]));
  }
};

struct Box {
  std::vector<double> low, high;
};

Box box_of(const double* points, std::int64_t begin, std::int64_t end, std::int64_t d) {
  Box box{{points + begin * d, points + begin * d + d}, {points + begin * d, points + begin * d + d}};
  for (std::int64_t i = begin; i < end; ++i)
    for (std::int64_t a = 0; a < d; ++a) {
      const auto at = static_cast<std::size_t>(a);
      box.low[at] = std::min(box.low[at], points[i * d + a]);
      box.high[at] = std::max(box.high[at], points[i * d + a]);
    }
  return box;
}

double diameter(const Box& b) {
  double square = 0;
  for (std::size_t a = 0; a < b.low.size(); ++a) square += std::pow(b.high[a] - b.low[a], 2);
  return std::sqrt(square);
}

double distance(const Box& b, const Box& c) {
  double square = 0;
  for (std::size_t a = 0; a < b.low.size(); ++a)
    square += std::pow(std::max({0.0, b.low[a] - c.high[a], c.low[a] - b.high[a]}), 2);
  return std::sqrt(square);
}

// The leaves of the tree, first as geometry says: near ones dense, far ones to be approximated.
struct Leaf {
  Block block;
  bool far;
};
struct Tree {
  const Matrix& matrix;
  const KernelOptions& options;
  std::vector<Leaf> leaves{};
  std::string text{};  // 's', or '.' for the next leaf
  using Boxes = std::map<std::pair<std::int64_t, std::int64_t>, Box>;
  Boxes row_boxes{}, col_boxes{};

  const Box& box(Boxes& boxes, const double* points, std::int64_t begin, std::int64_t n) const {
    const auto [at, fresh] = boxes.try_emplace({begin, n});
    if (fresh) at->second = box_of(points, begin, begin + n, matrix.d);
    return at->second;
  }
  void grow(const Block& b) {
    bool far = false;
    if (b.rows > 0 && b.cols > 0) {
      const Box &r = box(row_boxes, matrix.x, b.row, b.rows), &c = box(col_boxes, matrix.y, b.col, b.cols);
      const double gap = distance(r, c);
      far = gap > 0 && std::min(diameter(r), diameter(c)) <= options.eta * gap;
    }
    if (far || std::min(b.rows, b.cols) <= options.leaf) {
      leaves.push_back({b, far});
      text += '.';
      return;
    }
    text += 's';
    Block quarter[4];
    quarters(b, quarter);
    for (const Block& q : quarter) grow(q);
  }
};

// What became of a leaf: a tree of its own, with its values.
struct Piece {
  std::string text{};
  std::vector<Tensor> values{};  // of H's dtype
  double square = 0;             // of the error, an estimate
  std::int64_t evaluations = 0, fooled = 0, cut = 0;
};

// U^T (k,m) and V^T (k,n) of a cross approximation of a block, one row a step.
struct Cross {
  const Matrix& matrix;
  const Block& block;
  Numbers ut{}, vt{}, coefficients{};
  std::vector<bool> row_used{std::vector<bool>(static_cast<std::size_t>(block.rows))};
  std::int64_t rank = 0, evaluations = 0;

  // Row i of the residual, or column j.
  void residual_row(std::int64_t i, double* out) {
    matrix.fill(block.row + i, 1, block.col, block.cols, out);
    subtract(i, block.rows, ut, block.cols, vt, out);
  }
  void residual_col(std::int64_t j, double* out) {
    matrix.fill(block.row, block.rows, block.col + j, 1, out);
    subtract(j, block.cols, vt, block.rows, ut, out);
  }
  void subtract(std::int64_t at, std::int64_t m, const Numbers& by, std::int64_t n, const Numbers& of,
                double* out) {
    evaluations += n;
    if (rank == 0) return;
    coefficients.resize(static_cast<std::size_t>(rank));
    for (std::int64_t k = 0; k < rank; ++k)
      coefficients[static_cast<std::size_t>(k)] = by[static_cast<std::size_t>(k * m + at)];
    blas::gemv<double>(Trans::yes, rank, n, -1, of.data(), n, coefficients.data(), 1, out);
  }

  std::int64_t largest(const double* x, std::int64_t n, bool unused_rows) const {
    std::int64_t best = -1;
    for (std::int64_t i = 0; i < n; ++i)
      if (!(unused_rows && row_used[static_cast<std::size_t>(i)]) &&
          (best < 0 || std::abs(x[i]) > std::abs(x[best])))
        best = i;
    return best;
  }

  // From row i on, until what a step adds is below `enough` or the rank is `most`.
  void run(std::int64_t i, double enough, std::int64_t most) {
    Numbers row(static_cast<std::size_t>(block.cols)), col(static_cast<std::size_t>(block.rows));
    while (rank < most && i >= 0) {
      residual_row(i, row.data());
      row_used[static_cast<std::size_t>(i)] = true;
      const std::int64_t j = largest(row.data(), block.cols, false);
      const double pivot = row[static_cast<std::size_t>(j)];
      // The residual may be zero in this row alone; that is for the probes to find out.
      if (std::abs(pivot) < std::numeric_limits<double>::min()) return;
      residual_col(j, col.data());
      for (double& v : row) v /= pivot;
      ut.insert(ut.end(), col.begin(), col.end());
      vt.insert(vt.end(), row.begin(), row.end());
      ++rank;
      if (blas::nrm2(block.rows, col.data()) * blas::nrm2(block.cols, row.data()) <= enough) return;
      i = largest(col.data(), block.rows, true);
    }
  }

  struct Probed {
    double square;           // of the residual's norm, an estimate
    std::int64_t worst_row;  // with the largest entry that was seen; -1: all rows are used up
  };
  Probed probe(Stream& rng, std::int64_t probes) {
    Numbers buffer(static_cast<std::size_t>(std::max(block.rows, block.cols)));
    double of_rows = 0, of_cols = 0, seen = -1;
    std::int64_t worst = -1;
    const auto look = [&](std::int64_t row, double entry) {
      if (!row_used[static_cast<std::size_t>(row)] && std::abs(entry) > seen)
        seen = std::abs(entry), worst = row;
    };
    // One in each of as many stretches of rows: what a cross approximation has missed is often one end of the
    // block.
    const auto draw = [&](std::int64_t p, std::int64_t n) {
      const std::int64_t begin = p * n / probes, end = (p + 1) * n / probes;
      return begin < end ? begin + rng.below(end - begin) : rng.below(n);
    };
    for (std::int64_t p = 0; p < probes; ++p) {
      // A row that was used has no residual; another one is near.
      std::int64_t i = draw(p, block.rows);
      for (std::int64_t tries = 0; tries < block.rows && row_used[static_cast<std::size_t>(i)]; ++tries)
        i = (i + 1) % block.rows;
      residual_row(i, buffer.data());
      of_rows += std::pow(blas::nrm2(block.cols, buffer.data()), 2);
      look(i, buffer[static_cast<std::size_t>(largest(buffer.data(), block.cols, false))]);
      residual_col(draw(p, block.cols), buffer.data());
      of_cols += std::pow(blas::nrm2(block.rows, buffer.data()), 2);
      if (const std::int64_t r = largest(buffer.data(), block.rows, true); r >= 0)
        look(r, buffer[static_cast<std::size_t>(r)]);
    }
    const auto times = static_cast<double>(probes);
    return {
        std::max(of_rows * static_cast<double>(block.rows), of_cols * static_cast<double>(block.cols)) / times,
        worst};
  }
};

struct Builder {
  const Matrix& matrix;
  const KernelOptions& options;
  double per_entry;  // square of the error that an entry of a far block may have

  void add(Piece& piece, const Tensor& values) const { piece.values.push_back(values.cast(options.dtype)); }

  // The block as it is. Returns the sum of its squares.
  double add_dense(const Block& b, Piece& piece) const {
    Tensor a({b.rows, b.cols}, Dtype::f64);
    if (a.size() > 0) matrix.fill(b.row, b.rows, b.col, b.cols, a.mutable_data<double>());
    piece.text += 'd';
    piece.evaluations += a.size();
    add(piece, a.reshaped({a.size()}));
    return dot(a, a);
  }

  // Of the tolerance the cross approximation, whose error is an estimate, gets three tenths.
  void add_far(const Block& b, const Stream& stream, Piece& piece) const {
    const double allowed = std::sqrt(per_entry * static_cast<double>(b.rows * b.cols)), enough = .3 * allowed;
    const std::int64_t most = std::min({b.rows, b.cols, b.rows * b.cols / (2 * (b.rows + b.cols)) + 1});
    Cross cross{matrix, b};
    Stream rng = stream.child("probes");
    std::int64_t start = rng.below(b.rows);
    for (;;) {
      cross.run(start, enough, most);
      const Cross::Probed probed = cross.probe(rng, options.probes);
      const bool good = probed.square <= enough * enough;
      if (good || cross.rank >= most || probed.worst_row < 0) {
        piece.evaluations += cross.evaluations;
        if (!good ||
            !add_recompressed(b, cross, allowed - std::sqrt(probed.square), std::sqrt(probed.square), piece))
          add_quarters(b, stream, piece);
        return;
      }
      ++piece.fooled;
      start = probed.worst_row;
    }
  }

  void add_quarters(const Block& b, const Stream& stream, Piece& piece) const {
    ++piece.cut;
    if (std::min(b.rows, b.cols) <= std::max<std::int64_t>(options.leaf, 1)) {
      add_dense(b, piece);
      return;
    }
    piece.text += 's';
    Block quarter[4];
    quarters(b, quarter);
    for (std::uint64_t q = 0; q < 4; ++q) add_far(quarter[q], stream.child("quarter", q), piece);
  }

  // U V^T = Q (R S^T) P^T with V = P S, and the small matrix in the middle cut off where the tolerance lets it.
  // False if this would take more than the dense block.
  bool add_recompressed(const Block& b, const Cross& cross, double allowed, double error, Piece& piece) const {
    const std::int64_t k = cross.rank;
    const Qr u = qr(transposed(from({k, b.rows}, cross.ut))), v = qr(transposed(from({k, b.cols}, cross.vt)));
    const Svd f = svd(multiply(u.r, v.r, Trans::no, Trans::yes));
    std::int64_t rank = f.s.size();
    double rest = 0;
    for (; rank > 0; --rank) {
      const double next = rest + std::pow(f.s.at(rank - 1), 2);
      if (next > allowed * allowed) break;
      rest = next;
    }
    if (rank > 0 && rank * (b.rows + b.cols) >= b.rows * b.cols) return false;
    Tensor left = transposed(f.u).rows(0, rank).clone();
    for (std::int64_t i = 0; i < rank; ++i)
      blas::scal(left.shape[1], f.s.at(i), left.mutable_data<double>() + i * left.shape[1]);
    piece.text += fmt::format("r{}", rank);
    piece.square += std::pow(std::sqrt(rest) + error, 2);
    const Tensor ub = multiply(u.q, left, Trans::no, Trans::yes),
                 vb = multiply(f.vt.rows(0, rank), v.q, Trans::no, Trans::yes);
    add(piece, ub.reshaped({ub.size()}));
    add(piece, vb.reshaped({vb.size()}));
    return true;
  }
};

void require_points(const Tensor& x, const Tensor& y, const KernelOptions& o) {
  for (const Tensor* points : {&x, &y}) {
    require_matrix("kernel_hmatrix", *points);
    require_finite("kernel_hmatrix", *points);
  }
  if (x.shape[1] != y.shape[1])
    fail<ShapeError>("kernel_hmatrix", fmt::format("points {} and {}", to_string(x.shape), to_string(y.shape)));
  if (!(o.tolerance > 0) || !(o.eta >= 0) || o.leaf < 1 || o.probes < 1)
    fail<Error>("kernel_hmatrix", fmt::format("tolerance {}, eta {}, leaves of {}, {} probes", o.tolerance,
                                              o.eta, o.leaf, o.probes));
}

}  // namespace

KernelHMatrix kernel_hmatrix(const Tensor& x, const Tensor& y, const Kernel& kernel,
                             const KernelOptions& options) {
  require_points(x, y, options);
  const std::int64_t m = x.shape[0], n = y.shape[0];
  KernelHMatrix result;
  HMatrix& h = result.matrix;
  h.row_order = order_by_position(x, options.leaf);
  h.col_order = order_by_position(y, options.leaf);
  const Tensor xs = permuted(x.cast(Dtype::f64), h.row_order, {}),
               ys = permuted(y.cast(Dtype::f64), h.col_order, {});
  const Matrix matrix{kernel, xs.data<double>(), ys.data<double>(), x.shape[1]};
  Tree tree{matrix, options};
  tree.grow({0, m, 0, n});

  // First the near blocks, and the size of the far ones.
  const std::vector<Leaf>& leaves = tree.leaves;
  std::vector<Piece> pieces(leaves.size());
  std::vector<double> squares(leaves.size());
  const Stream stream(options.seed, "kernel matrix");
  Builder builder{matrix, options, 0};
  parallel_for(std::ssize(leaves), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    const Block& b = leaves[i].block;
    if (!leaves[i].far) {
      squares[i] = builder.add_dense(b, pieces[i]);
      return;
    }
    Stream rng = stream.child("size", i);
    constexpr int samples = 16;
    double sum = 0, entry = 0;
    for (int s = 0; s < samples; ++s) {
      const std::int64_t r = rng.below(b.rows), c = rng.below(b.cols);
      matrix.fill(b.row + r, 1, b.col + c, 1, &entry);
      sum += entry * entry;
    }
    squares[i] = sum / samples * static_cast<double>(b.rows * b.cols);
    pieces[i].evaluations += samples;
  });
  double square = 0, far = 0;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    square += squares[i];
    if (leaves[i].far) far += static_cast<double>(leaves[i].block.rows * leaves[i].block.cols);
  }
  result.norm = std::sqrt(square);
  if (!std::isfinite(result.norm))
    fail<NonFiniteError>("kernel_hmatrix", "squares of the kernel are beyond f64");
  // Near blocks have no error, so that their share goes to the others.
  if (far > 0) builder.per_entry = std::pow(options.tolerance * result.norm, 2) / far;
  parallel_for(std::ssize(leaves), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    if (leaves[i].far) builder.add_far(leaves[i].block, stream.child("block", i), pieces[i]);
  });

  std::string text;
  std::size_t next = 0;
  for (char c : tree.text) text += c == 's' ? std::string("s") : pieces[next++].text;
  h.structure = block_structure(m, n, text);
  h.values = Tensor({h.structure.entries()}, options.dtype);
  dispatch(options.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = h.values.mutable_data<T>();
    for (Piece& p : pieces)
      for (Tensor& v : p.values) {
        to = std::copy_n(v.data<T>(), v.size(), to);
        v = Tensor();
      }
  });
  double error = 0;
  for (const Piece& p : pieces) {
    error += p.square;
    result.evaluations += p.evaluations;
    result.fooled += p.fooled;
    result.cut += p.cut;
  }
  result.error = std::sqrt(error);
  return result;
}

}  // namespace lowtide
