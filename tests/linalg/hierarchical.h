// Structures and hierarchical matrices made at random, and the plain matrix that one stands for, computed
// without what is tested.
#pragma once
#include <lowtide/linalg/hmatrix.h>

#include <algorithm>
#include <numeric>

#include "check.h"

namespace lowtide::test {

inline void append_random_tree(const Block& block, Stream& rng, std::string& text) {
  const std::int64_t least = std::min(block.rows, block.cols), kind = rng.below(3);
  if (least >= 2 && kind == 0) {
    Block quarter[4];
    quarters(block, quarter);
    text += 's';
    for (const Block& q : quarter) append_random_tree(q, rng, text);
  } else if (kind == 1) {
    text += 'd';
  } else {
    text += "r" + std::to_string(rng.below(std::min<std::int64_t>(least, 3) + 1));
  }
}

inline BlockStructure random_structure(std::uint64_t index, std::int64_t most = 40) {
  Stream rng = Stream(3, "structures").child("one", index);
  const std::int64_t rows = rng.below(most + 1), cols = rng.below(most + 1);
  std::string text;
  append_random_tree({0, rows, 0, cols}, rng, text);
  return block_structure(rows, cols, text);
}

// One with an order for every second one of rows and columns.
inline HMatrix random_hmatrix(const BlockStructure& s, Dtype dtype, std::uint64_t index) {
  HMatrix h{s, gaussian({s.entries()}, dtype, index), {}, {}};
  const auto order = [&](std::int64_t n, const char* name) {
    const PoolVector<std::int64_t> p = Stream(4, name).child("one", index).permutation(n);
    return std::vector<std::int64_t>(p.begin(), p.end());
  };
  if (index % 2) h.row_order = order(s.rows, "rows");
  if (index / 2 % 2) h.col_order = order(s.cols, "columns");
  return h;
}

// The matrix in the order of its structure, one entry after the other.
inline Tensor plain(const HMatrix& h) {
  const BlockStructure& s = h.structure;
  std::vector<double> a(static_cast<std::size_t>(s.rows * s.cols));
  std::int64_t at = 0;
  for (const Block& b : s.blocks) {
    for (std::int64_t i = 0; i < b.rows; ++i)
      for (std::int64_t j = 0; j < b.cols; ++j) {
        double sum = b.dense() ? h.values.at(at + i * b.cols + j) : 0;
        for (std::int64_t k = 0; k < b.rank; ++k)
          sum += h.values.at(at + i * b.rank + k) * h.values.at(at + b.rows * b.rank + k * b.cols + j);
        a[static_cast<std::size_t>((b.row + i) * s.cols + b.col + j)] = sum;
      }
    at += b.entries();
  }
  return from({s.rows, s.cols}, a, h.values.dtype);
}

// And in the order of its rows and columns.
inline Tensor unordered(const HMatrix& h) {
  const Tensor p = plain(h);
  std::vector<double> a(static_cast<std::size_t>(p.size()));
  const std::int64_t cols = p.shape[1];
  for (std::int64_t i = 0; i < p.shape[0]; ++i)
    for (std::int64_t j = 0; j < cols; ++j) {
      const std::int64_t r = h.row_order.empty() ? i : h.row_order[static_cast<std::size_t>(i)];
      const std::int64_t c = h.col_order.empty() ? j : h.col_order[static_cast<std::size_t>(j)];
      a[static_cast<std::size_t>(r * cols + c)] = p.at(i * cols + j);
    }
  return from(p.shape, a, p.dtype);
}

}  // namespace lowtide::test
