// Low-rank neural representations: networks in x whose weights and biases are low-rank expansions
//   W_l(s) = U_l diag(s1_l) V_lT,  b_l(s) = B_l s2_l        (LRNR, equations 2.8 to 2.10)
// with coefficients s = f_hyper(t) from a small network in time (4.1).
#pragma once
#include <lowtide/models/mlp.h>

namespace lowtide {

struct Lrnr {
  std::int64_t in = 1, out = 1, width = 64;
  std::int64_t depth = 5;  // layers
  std::int64_t rank = 16;  // of every weight and every bias
  std::int64_t hyper_width = 25, hyper_depth = 4;
  Activation activation = Activation::tanh;

  std::int64_t coefficients() const { return 2 * depth * rank; }
  std::int64_t layer_in(std::int64_t l) const { return l == 0 ? in : width; }
  std::int64_t layer_out(std::int64_t l) const { return l + 1 == depth ? out : width; }
  Mlp hyper() const;

  // U1, V1, B1, U2, V2, B2, ..., each stored by rows (see low_rank_layer), then the hypernetwork's.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  // s for the time t (1,1), as one vector (s1_1, s2_1, s1_2, ...).
  Var coefficients_at(std::span<const Var> parameters, const Var& t) const;
  // u at the rows of x, all at the time whose coefficients are s.
  Var operator()(std::span<const Var> parameters, const Var& x, const Var& s) const;

  // What the network costs at least, forward and backward, for points of one time: multiplications and
  // additions of the factored hidden layers (12 width rank each) and of the assembled thin ones.
  double flops(double points) const;
};

}  // namespace lowtide
