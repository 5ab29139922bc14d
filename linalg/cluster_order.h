// Orders of rows or columns in which neighbours are alike, so that blocks of a matrix have low rank. The
// clusters are the halves of the order, the halves of these, and so on, cut as blocks are (middle() in
// block_structure.h): order[k] is the item that stands at place k, as in HMatrix.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <vector>

namespace lowtide {

// For points (n,d): a cluster of more than `leaf` is cut across the longest side of its box, at the median.
// Within a smallest cluster items keep their order; equal numbers are told apart by it.
std::vector<std::int64_t> order_by_position(const Tensor& points, std::int64_t leaf);

enum class Alike {
  line,   // on the same line through the origin: v and -v are the same
  vector  // the same direction
};

// For vectors (n,k), such as the weights of neurons, that have no places: a cluster is cut at the median of the
// coordinate along its principal direction, of the vectors made unit length. Lengths are left out since the
// rank of a block does not depend on them, and for `line` signs for the same reason: a row of weights and its
// negative, which neurons with an odd activation make of each other at no change of the network, belong into
// one block. There the principal direction is that of the matrices v v^T, whose products are (v^T w)^2: it
// comes from the n^2 products, without any of these matrices. Takes n^2 numbers of memory and n^2 k operations.
std::vector<std::int64_t> order_by_similarity(const Tensor& vectors, std::int64_t leaf,
                                              Alike alike = Alike::line);

}  // namespace lowtide
