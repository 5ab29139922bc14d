// How a matrix is cut into blocks, each dense or of low rank: the shape of a hierarchical matrix (Hackbusch, A
// sparse matrix arithmetic based on H-matrices, 1999). Rows and columns are always halved, so a string tells
// all.
#pragma once
#include <lowtide/linalg/dtype.h>

#include <string>
#include <string_view>
#include <vector>

namespace lowtide {

// Where [begin,end) is cut. The first half is the longer one, as in tree_reduce.
constexpr std::int64_t middle(std::int64_t begin, std::int64_t end) { return begin + (end - begin + 1) / 2; }

// Rows [row, row + rows) and columns [col, col + cols): dense, or U VT with U (rows,rank) and VT (rank,cols).
struct Block {
  std::int64_t row = 0, rows = 0, col = 0, cols = 0;
  std::int64_t rank = -1;  // -1: dense; 0: all zero

  bool dense() const { return rank < 0; }
  std::int64_t entries() const { return dense() ? rows * cols : rank * (rows + cols); }
};

// The four quarters of a block, in the order 00, 01, 10, 11. Neither side may be 1.
void quarters(const Block& block, Block (&quarter)[4]);

struct BlockStructure {
  std::int64_t rows = 0, cols = 0;
  std::vector<Block> blocks;  // the leaves in preorder; they cover the matrix once
  // The tree in preorder: 's' a block cut into its quarters, 'd' a dense one, 'r<k>' one of rank k. One tree
  // has one text.
  std::string text;

  std::int64_t entries() const;  // of all blocks: the numbers that a matrix of this structure stores
  // Those numbers in that type, and the text, a byte for a letter. The table of blocks is made of the text and
  // does not count.
  std::int64_t bytes(Dtype dtype) const;
};

// Throws ShapeError, with the place in the text, if the text is not a tree for a matrix of this shape. Texts
// from strangers are safe: time and memory are bounded by the length of the text.
BlockStructure block_structure(std::int64_t rows, std::int64_t cols, std::string_view text);

// Blocks on the diagonal are cut until a side has `leaf` or fewer, and are dense; the others have that rank, or
// are dense where this takes no more entries.
BlockStructure off_diagonal_structure(std::int64_t rows, std::int64_t cols, std::int64_t rank,
                                      std::int64_t leaf);

// Where each block's numbers begin, and at last where all end.
std::vector<std::int64_t> value_offsets(const BlockStructure& s);

// Products with H of that structure. `values` holds block after block: a dense one by rows, one of low rank as
// U and then VT, by rows both. All on the calling thread.
template <class T>  // (n,rows) -> (n,cols): y = x H
void multiply_right(const BlockStructure& s, const T* values, const T* x, std::int64_t n, T* y);
template <class T>  // (n,cols) -> (n,rows): x = y H^T
void multiply_right_transposed(const BlockStructure& s, const T* values, const T* y, std::int64_t n, T* x);

}  // namespace lowtide
