#include <fmt/format.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/block_structure.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/pool.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace lowtide {
namespace {

using blas::Trans;

// As require_matrix(): then no count of entries overflows either.
void require_extents(const char* op, std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  if (rows < 0 || cols < 0 || rows > most || cols > most)
    fail<ShapeError>(op, fmt::format("a matrix ({},{})", rows, cols));
}

// Recursion is at most 31 deep: a side is halved by each cut, and a side of 1 cannot be cut.
struct Parser {
  std::string_view text;
  std::vector<Block>& blocks;
  std::size_t at = 0;

  [[noreturn]] void refuse(std::size_t place, const std::string& what) const {
    fail<ShapeError>("block_structure", fmt::format("{} at {} of the text of {}", what, place, text.size()));
  }

  void tree(Block block) {
    if (at == text.size()) refuse(at, "a block is missing");
    const std::size_t place = at;
    switch (text[at++]) {
      case 's': {
        if (std::min(block.rows, block.cols) < 2)
          refuse(place, fmt::format("a block ({},{}) cannot be cut", block.rows, block.cols));
        Block quarter[4];
        quarters(block, quarter);
        for (const Block& q : quarter) tree(q);
        return;
      }
      case 'd':
        break;
      case 'r':
        block.rank = rank(place, std::min(block.rows, block.cols));
        break;
      default:
        refuse(place, "neither s, d nor r");
    }
    blocks.push_back(block);
  }

  std::int64_t rank(std::size_t place, std::int64_t most) {
    std::int64_t k = 0;
    const char *begin = text.data() + at, *end = text.data() + text.size();
    if (begin == end || *begin < '0' || *begin > '9') refuse(at, "a rank is missing");
    const auto [next, error] = std::from_chars(begin, end, k);
    if (*begin == '0' && next - begin > 1) refuse(at, "a rank with a leading zero");
    if (error != std::errc() || k > most) refuse(place, fmt::format("a rank above {}", most));
    at += static_cast<std::size_t>(next - begin);
    return k;
  }
};

void append_off_diagonal(const Block& block, bool diagonal, std::int64_t rank, std::int64_t leaf,
                         std::string& text) {
  const std::int64_t least = std::min(block.rows, block.cols);
  if (diagonal && least > leaf && least > 1) {
    Block quarter[4];
    quarters(block, quarter);
    text += 's';
    for (int q = 0; q < 4; ++q) append_off_diagonal(quarter[q], q == 0 || q == 3, rank, leaf, text);
    return;
  }
  Block low = block;
  low.rank = std::min(rank, least);
  if (diagonal || low.entries() >= block.entries())
    text += 'd';
  else
    text += fmt::format("r{}", low.rank);
}

template <class T>
void multiply_any(const BlockStructure& s, const T* values, const T* from, std::int64_t n, T* to, Trans t) {
  const bool forward = t == Trans::no;
  const std::int64_t ld_from = forward ? s.rows : s.cols, ld_to = forward ? s.cols : s.rows;
  std::fill_n(to, n * ld_to, T{0});
  std::int64_t most = 0;
  for (const Block& b : s.blocks) most = std::max(most, b.rank);
  PoolVector<T> scratch(static_cast<std::size_t>(n * most));
  for (const Block& b : s.blocks) {
    const std::int64_t m = forward ? b.rows : b.cols, k = forward ? b.cols : b.rows;
    if (b.entries() == 0) continue;
    const T* a = from + (forward ? b.row : b.col);
    T* c = to + (forward ? b.col : b.row);
    if (b.dense()) {
      blas::gemm<T>(Trans::no, t, n, k, m, T{1}, a, ld_from, values, b.cols, T{1}, c, ld_to);
    } else {
      const T *u = values, *vt = values + b.rows * b.rank;
      T* w = scratch.data();
      if (forward) {
        blas::gemm<T>(Trans::no, t, n, b.rank, m, T{1}, a, ld_from, u, b.rank, T{0}, w, b.rank);
        blas::gemm<T>(Trans::no, t, n, k, b.rank, T{1}, w, b.rank, vt, b.cols, T{1}, c, ld_to);
      } else {
        blas::gemm<T>(Trans::no, t, n, b.rank, m, T{1}, a, ld_from, vt, b.cols, T{0}, w, b.rank);
        blas::gemm<T>(Trans::no, t, n, k, b.rank, T{1}, w, b.rank, u, b.rank, T{1}, c, ld_to);
      }
    }
    values += b.entries();
  }
}

}  // namespace

void quarters(const Block& block, Block (&quarter)[4]) {
  const std::int64_t rows[2] = {middle(0, block.rows), block.rows / 2};
  const std::int64_t cols[2] = {middle(0, block.cols), block.cols / 2};
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      quarter[2 * i + j] = {block.row + (i ? rows[0] : 0), rows[i], block.col + (j ? cols[0] : 0), cols[j]};
}

std::int64_t BlockStructure::entries() const {
  std::int64_t sum = 0;
  for (const Block& b : blocks) sum += b.entries();
  return sum;
}

std::int64_t BlockStructure::bytes(Dtype dtype) const {
  return entries() * static_cast<std::int64_t>(size_of(dtype)) + std::ssize(text);
}

BlockStructure block_structure(std::int64_t rows, std::int64_t cols, std::string_view text) {
  require_extents("block_structure", rows, cols);
  BlockStructure s{rows, cols, {}, std::string(text)};
  Parser parser{text, s.blocks};
  parser.tree({0, rows, 0, cols});
  if (parser.at != text.size()) parser.refuse(parser.at, "more than one tree");
  return s;
}

BlockStructure off_diagonal_structure(std::int64_t rows, std::int64_t cols, std::int64_t rank,
                                      std::int64_t leaf) {
  require_extents("off_diagonal_structure", rows, cols);
  if (rank < 0 || leaf < 1)
    fail<ShapeError>("off_diagonal_structure", fmt::format("rank {} and leaves of {}", rank, leaf));
  std::string text;
  append_off_diagonal({0, rows, 0, cols}, true, rank, leaf, text);
  return block_structure(rows, cols, text);
}

std::vector<std::int64_t> value_offsets(const BlockStructure& s) {
  std::vector<std::int64_t> at{0};
  for (const Block& b : s.blocks) at.push_back(at.back() + b.entries());
  return at;
}

template <class T>
void multiply_right(const BlockStructure& s, const T* values, const T* x, std::int64_t n, T* y) {
  multiply_any<T>(s, values, x, n, y, Trans::no);
}

template <class T>
void multiply_right_transposed(const BlockStructure& s, const T* values, const T* y, std::int64_t n, T* x) {
  multiply_any<T>(s, values, y, n, x, Trans::yes);
}

template void multiply_right(const BlockStructure&, const float*, const float*, std::int64_t, float*);
template void multiply_right(const BlockStructure&, const double*, const double*, std::int64_t, double*);
template void multiply_right_transposed(const BlockStructure&, const float*, const float*, std::int64_t,
                                        float*);
template void multiply_right_transposed(const BlockStructure&, const double*, const double*, std::int64_t,
                                        double*);

}  // namespace lowtide
