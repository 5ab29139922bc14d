// From a dense matrix to a hierarchical one whose error is known: the singular values of every block that could
// be chosen, computed once, and choices among them at no cost. Blocks are disjoint, so squares of their errors
// add up: |A - H|_F^2 is exactly the sum of the tails of singular values that were left out. All that is said
// of errors is said up to rounding, a few eps |A|_F of f64, and before numbers are rounded to the dtype of H.
#pragma once
#include <lowtide/linalg/hmatrix.h>

namespace lowtide {

struct SpectraOptions {
  std::int64_t leaf = 16;  // blocks are cut while both sides are longer
  int depth = 20;          // and at most that often; 0: the whole matrix only, which is the plain SVD
  // Of (rows,rows) and f64, positive semidefinite; may be missing. With it the error of a block D of rows R is
  // |G_RR^1/2 D|_F in place of |D|_F: what is made of D by inputs z with G = sum z z^T, if H is applied as z H.
  Tensor gram = {};
};

// Made by block_spectra().
struct BlockSpectra {
  struct Node {
    Block block;              // its rank says nothing
    std::int64_t child = -1;  // the first of its four quarters, which follow one another; -1: none
    // The sum of squares of all singular values but the first k, for k up to the highest rank that takes fewer
    // entries than the dense block.
    std::vector<double> rest;
    Tensor vt;  // so many right singular vectors, in f64
  };
  Tensor a;  // A, in f64, times 2^-exponent
  int exponent = 0;
  std::vector<Node> nodes;  // the whole matrix first, level by level
};
BlockSpectra block_spectra(const Tensor& a, const SpectraOptions& options = {});

struct Chosen {
  BlockStructure structure;
  // The root of the sum of squares of the errors of all blocks. Without a gram it is |A - H|_F. With one, the
  // error |G^1/2 (A - H)|_F is at most sqrt(p) times this, p the most blocks that a column meets; for a G
  // without entries between the rows of different blocks it is this.
  double error = 0;
  std::vector<double> block_errors;  // 0 of dense ones
};

// In all of them a block is of low rank only if this takes fewer entries than dense, and is cut only if this
// lowers the cost.

// Fewest entries, with a block allowed tolerance^2 times its share of the entries of A. So error <= tolerance.
Chosen choose_by_share(const BlockSpectra& spectra, double tolerance);
// Fewest entries, with each block's error at most tau. So error <= tau sqrt(number of blocks).
Chosen choose_by_block(const BlockSpectra& spectra, double tau);
// Minimizes error^2 + lambda entries over all structures and ranks: the optimal pruning of a tree (Breiman,
// Friedman, Olshen and Stone 1984; Chou, Lookabaugh and Gray 1989), whose leaves may also choose their rank.
Chosen choose_by_rate(const BlockSpectra& spectra, double lambda);
// error <= tolerance with the fewest entries that some lambda gives; then what is left of the tolerance is
// spent rank by rank, the cheapest first. Never more entries than choose_by_share().
Chosen choose_for_error(const BlockSpectra& spectra, double tolerance);
// The same with entries() <= entries and the least error.
Chosen choose_for_entries(const BlockSpectra& spectra, std::int64_t entries);

// U = A_b Q and VT = Q^T, Q the leading right singular vectors of the block (of G_RR^1/2 A_b with a gram). The
// structure may be any whose blocks and ranks are among those of the spectra.
HMatrix hmatrix(const BlockSpectra& spectra, const Chosen& chosen, Dtype dtype);

}  // namespace lowtide
