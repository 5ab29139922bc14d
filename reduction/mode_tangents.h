// A low-rank network in the coordinates of its hypermodes, u(x; c) with s = Phi c, and its derivatives by them.
#pragma once
#include <lowtide/autodiff/ops.h>
#include <lowtide/reduction/low_rank_weights.h>

namespace lowtide {

struct ModeTangents {
  Tensor u{};        // (n,c)
  Tensor by_mode{};  // du / dc (n c, r); row i c + k is field k at point i
};

// At points x (n,d) and coefficients s (1,k), along the columns of `modes` (k,r): all directions are pushed
// through the factored layers at once, from one pass of the state. The same bits on any number of threads.
ModeTangents mode_tangents(const LowRankWeights& net, const Tensor& modes, const Tensor& x, const Tensor& s);

// The network at points x (n,d), recorded, for derivatives by x: s (1,k) stays as it is.
Var recorded_values(const LowRankWeights& net, const Var& x, const Tensor& s);

}  // namespace lowtide
