#include <fmt/format.h>
#include <lowtide/linalg/block_spectra.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace lowtide {
namespace {

using Node = BlockSpectra::Node;

// The highest rank that takes fewer entries than the dense block; 0 for the empty one.
std::int64_t most_rank(const Block& b) {
  return b.rows == 0 || b.cols == 0 ? 0 : (b.rows * b.cols - 1) / (b.rows + b.cols);
}

std::vector<Node> all_candidates(std::int64_t rows, std::int64_t cols, const SpectraOptions& options) {
  std::vector<Node> nodes{{{0, rows, 0, cols}, -1, {}, {}}};
  std::size_t begin = 0;
  for (int level = 0; level < options.depth && begin < nodes.size(); ++level) {
    const std::size_t end = nodes.size();
    for (; begin < end; ++begin) {
      const Block block = nodes[begin].block;
      if (std::min(block.rows, block.cols) <= options.leaf) continue;
      nodes[begin].child = std::ssize(nodes);
      Block quarter[4];
      quarters(block, quarter);
      for (const Block& q : quarter) nodes.push_back({q, -1, {}, {}});
    }
  }
  return nodes;
}

// F with F^T F = G_RR, for each range of rows.
using Roots = std::map<std::pair<std::int64_t, std::int64_t>, Tensor>;

Tensor root_of(const Tensor& gram, std::int64_t row, std::int64_t rows) {
  const Eigen e = eigh(block_of(gram, {row, rows, row, rows}));
  const double largest = rows ? std::max(std::abs(e.values.at(0)), std::abs(e.values.at(rows - 1))) : 0;
  Tensor f = transposed(e.vectors);
  double* p = f.mutable_data<double>();
  for (std::int64_t i = 0; i < rows; ++i) {
    const double value = e.values.at(i);
    if (value < -1e-10 * largest)
      fail<SolverError>("block_spectra",
                        fmt::format("the gram has an eigenvalue {} beside {}: it is not positive "
                                    "semidefinite",
                                    value, largest));
    blas::scal(rows, std::sqrt(std::max(value, 0.0)), p + i * rows);
  }
  return f;
}

Roots roots_of(const Tensor& gram, const std::vector<Node>& nodes) {
  Roots roots;
  for (const Node& n : nodes) roots[{n.block.row, n.block.rows}];
  std::vector<Roots::value_type*> each;
  for (Roots::value_type& r : roots) each.push_back(&r);
  // The whole matrix first: it takes longest.
  std::sort(each.begin(), each.end(), [](const auto* a, const auto* b) {
    return std::pair(-a->first.second, a->first) < std::pair(-b->first.second, b->first);
  });
  parallel_for(std::ssize(each), [&](std::int64_t i) {
    Roots::value_type& r = *each[static_cast<std::size_t>(i)];
    r.second = root_of(gram, r.first.first, r.first.second);
  });
  return roots;
}

void require_gram(const Tensor& gram, std::int64_t rows) {
  require_square("block_spectra", gram);
  require_finite("block_spectra", gram);
  if (gram.shape[0] != rows || gram.dtype != Dtype::f64)
    fail<ShapeError>("block_spectra", fmt::format("a gram {} of {} for {} rows: one of f64 is needed",
                                                  to_string(gram.shape), name_of(gram.dtype), rows));
  const double *g = gram.data<double>(), most = 1e-8 * max_abs(gram);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < i; ++j)
      if (std::abs(g[i * rows + j] - g[j * rows + i]) > most)
        fail<SolverError>("block_spectra", fmt::format("the gram is not symmetric at ({},{})", i, j));
}

}  // namespace

BlockSpectra block_spectra(const Tensor& a, const SpectraOptions& options) {
  require_matrix("block_spectra", a);
  require_finite("block_spectra", a);
  if (options.leaf < 1 || options.depth < 0)
    fail<ShapeError>("block_spectra", fmt::format("leaves of {}, depth {}", options.leaf, options.depth));
  const std::int64_t rows = a.shape[0], cols = a.shape[1];
  const Scaled scaled = scaled_to_one(a.cast(Dtype::f64));
  BlockSpectra s{scaled.value, scaled.exponent, all_candidates(rows, cols, options)};
  Roots roots;
  if (options.gram) {
    require_gram(options.gram, rows);
    roots = roots_of(options.gram, s.nodes);
  }
  parallel_for(std::ssize(s.nodes), [&](std::int64_t index) {
    Node& n = s.nodes[static_cast<std::size_t>(index)];
    const Tensor block = block_of(s.a, n.block);
    const Svd f = svd(options.gram ? multiply(roots.at({n.block.row, n.block.rows}), block) : block);
    const std::int64_t most = most_rank(n.block);
    n.rest.resize(static_cast<std::size_t>(most) + 1);
    double sum = 0;  // from the smallest on
    for (std::int64_t k = f.s.size(); k-- > 0;) {
      sum += f.s.at(k) * f.s.at(k);
      if (k <= most) n.rest[static_cast<std::size_t>(k)] = sum;
    }
    n.vt = f.vt.rows(0, most).clone();
  });
  return s;
}

HMatrix hmatrix(const BlockSpectra& s, const Chosen& chosen, Dtype dtype) {
  const BlockStructure& structure = chosen.structure;
  if (structure.rows != s.a.shape[0] || structure.cols != s.a.shape[1])
    fail<ShapeError>("hmatrix", fmt::format("a structure of ({},{}) for {}", structure.rows, structure.cols,
                                            to_string(s.a.shape)));
  // The node of each block.
  std::vector<const Node*> leaves;
  std::vector<std::int64_t> open{0};
  for (std::size_t next = 0; !open.empty() && next < structure.blocks.size();) {
    const Node& n = s.nodes[static_cast<std::size_t>(open.back())];
    open.pop_back();
    const Block& b = structure.blocks[next];
    if (b.row == n.block.row && b.col == n.block.col && b.rows == n.block.rows && b.cols == n.block.cols) {
      if (b.rank >= std::ssize(n.rest))
        fail<ShapeError>("hmatrix", fmt::format("rank {} of a block ({},{}): its spectrum is known up to {}",
                                                b.rank, b.rows, b.cols, std::ssize(n.rest) - 1));
      leaves.push_back(&n);
      ++next;
    } else if (n.child >= 0) {
      for (std::int64_t q = 4; q-- > 0;) open.push_back(n.child + q);
    } else {
      fail<ShapeError>("hmatrix", fmt::format("the block ({},{}) at ({},{}) is cut, which its spectra are not",
                                              n.block.rows, n.block.cols, n.block.row, n.block.col));
    }
  }
  HMatrix h{structure, Tensor({structure.entries()}, dtype), {}, {}};
  const std::vector<std::int64_t> at = value_offsets(structure);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* values = h.values.mutable_data<T>();
    parallel_for(std::ssize(leaves), [&](std::int64_t index) {
      const auto i = static_cast<std::size_t>(index);
      const Block& b = structure.blocks[i];
      const auto store = [&](const Tensor& x, T* to) {
        std::transform(x.data<double>(), x.data<double>() + x.size(), to,
                       [](double v) { return static_cast<T>(v); });
      };
      // The scale goes to U, or to the dense block.
      const Tensor block = block_of(s.a, b);
      const Tensor vt = leaves[i]->vt.rows(0, std::max<std::int64_t>(b.rank, 0));
      const Tensor u = b.dense() ? block : multiply(block, vt, Trans::no, Trans::yes);
      store(rescaled("hmatrix", u, s.exponent), values + at[i]);
      if (!b.dense()) store(vt, values + at[i] + u.size());
    });
  });
  if (!all_finite(h.values))
    fail<NonFiniteError>("hmatrix", fmt::format("a block is beyond the range of {}", name_of(dtype)));
  return h;
}

}  // namespace lowtide
