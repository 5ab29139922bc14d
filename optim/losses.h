// Misfits between a model and data, in pieces that can be summed over tiles, and the penalties on
// coefficients and factors (LRNR paper, section 4):
//   misfit_q = |prediction - data|_q^q / |data|_q^q                        (4.6)
//   R_sparse = sum over blocks and j of relu(gamma s_{j+1} - s_j)          (4.7)
//   R_ortho  = sum over factors A of |A^T A - I|_F^2 / (entries of A)      (4.9)
#pragma once
#include <lowtide/autodiff/ops.h>

#include <span>

namespace lowtide {

struct Misfit {
  // squares: q = 2. absolute: q = 1. charbonnier: sum of sqrt(d^2 + delta^2) - delta, smooth for |d| below
  // delta and |d| - delta beyond; the pseudo-Huber loss is delta times it.
  enum class Kind : std::uint8_t { squares, absolute, charbonnier };
  Kind kind = Kind::squares;
  double delta = 1e-2;

  // sum of w |prediction - data|^q, a number. Weights (n) or (n,1) belong to the rows of (n,c), scales (c) to
  // the columns; none are 1.
  Var numerator(const Var& prediction, const Var& data, const Var& weights = {}, const Var& scales = {}) const;
  // sum of w |data|^q over these data (q = 1 for charbonnier), to be added up over the frames of a batch; of
  // all columns, or of one.
  double denominator(const Tensor& data, const Tensor& weights = {}, std::int64_t column = -1) const;
};

// Both pieces at once, for data that are one tile.
Var misfit(const Misfit& kind, const Var& prediction, const Tensor& data, const Tensor& weights = {});

// 4.7 for coefficients s (n), or (T,n) for T times, that are made of blocks with these sizes.
Var sparsity_penalty(const Var& s, std::span<const std::int64_t> blocks, double gamma);
Var sparsity_penalty(const Var& s, std::int64_t block, double gamma);  // all blocks alike

// 4.9 for factors stored by rows, as low_rank_layer wants them: the columns of the paper's A (M,r) are the
// rows of ours (r,M). With M < r they cannot be orthonormal; Gram::smaller then asks it of the others.
enum class Gram : std::uint8_t { columns, smaller };
Var orthogonality_penalty(std::span<const Var> factors, Gram gram = Gram::columns);
// The least value of 4.9 for these factors, the sum of (r - M) / (r M) where r > M, which says nothing about
// training: subtract it from what is reported.
double orthogonality_floor(std::span<const Shape> factors);

// What keeps the ranks of the blocks of a weight low and, unlike the ranks, has a gradient: the sum over the
// blocks, grid x grid of them, of log det(I + B BT / delta), which is that of log(1 + s^2 / delta) over their
// singular values s. A grid of more blocks than rows or columns is cut less.
Var rank_penalty(const Var& weight, std::int64_t grid, double delta);

}  // namespace lowtide
