// Hierarchical matrices: blocks, dense or of low rank, of a matrix whose rows and columns may have been put in
// another order first. Hackbusch, Hierarchical matrices: algorithms and analysis, 2015.
#pragma once
#include <lowtide/linalg/block_structure.h>
#include <lowtide/linalg/linop.h>
#include <lowtide/linalg/random.h>

namespace lowtide {

struct HMatrix {
  BlockStructure structure;
  Tensor values;  // (entries): block after block as in block_structure.h
  // Empty: as they are. Else row_order[k] is the row of A that stands at place k of the structure.
  std::vector<std::int64_t> row_order, col_order;
};

// The matrix A as it is, in the order of its own rows and columns.
Tensor dense(const HMatrix& h);
// A x and A^T x for x a vector or a block of columns.
Tensor multiply(const HMatrix& h, const Tensor& x);
Tensor multiply_transposed(const HMatrix& h, const Tensor& x);
LinOp linop_of(const HMatrix& h);
// |A|_F, in f64. Blocks of low rank go by products of their factors' columns: U and VT whose product cancels
// lose as many digits as it does.
double norm(const HMatrix& h);
// The structure's, and four a row and column where these are in another order.
std::int64_t bytes(const HMatrix& h);

// a[row_order][:, col_order]; an empty order leaves things as they are.
Tensor permuted(const Tensor& a, const std::vector<std::int64_t>& row_order,
                const std::vector<std::int64_t>& col_order);
// The part of a matrix that a block covers; a copy.
Tensor block_of(const Tensor& a, const Block& block);
// Each block of `a` by its best approximation of the rank that the structure says, in the dtype of `a`. Where
// the rank is far below the shorter side this is by randomized_svd(), which is near the best.
HMatrix approximated(const Tensor& a, const BlockStructure& s, Stream& rng);

// The ends of the spectrum of singular values of the shorter side.
struct SingularEnds {
  double largest = 0, smallest = 0;
  // From the singular values of the dense matrix. Otherwise by Lanczos: `largest` is a bound from below and
  // `smallest` one from above, as far as rounding lets HT H show it: about 1e-8 `largest`. Thus their ratio is
  // a bound from below of the condition number. Each is an estimate of the true value, good at once for the
  // largest, and for the smallest if it stands apart from its neighbours.
  bool exact = false;
  double condition() const;  // infinite if the smallest is zero
};
// Exact if the shorter side is at most `most_exact`; `steps` are those of Lanczos.
SingularEnds singular_ends(const HMatrix& h, Stream& rng, std::int64_t most_exact = 1024,
                           std::int64_t steps = 80);

// A bound on the condition number of every H with |A - H|_2 <= e, for A of these extreme singular values:
// (largest + e) / (smallest - e), infinite if e >= smallest. The smaller (largest / smallest) (1 + e /
// (smallest - e)), which has been published, does not hold: A = I and H = diag(1.1, 0.9).
double condition_bound(double largest, double smallest, double e);

}  // namespace lowtide
