// Continuous low-rank adaptation (Berman and Peherstorfer, CoLoRA, 2024): a dense network in x, each of whose
// weights has a low-rank part that a network in (t, mu) modulates,
//   z_l = sigma(z_(l-1) (W_l + V_lT diag(alpha_l(t, mu)) U_l) + b_l)
// An LRNR is the case without W, but modulates its biases as well.
#pragma once
#include <lowtide/models/frame.h>
#include <lowtide/models/mlp.h>

namespace lowtide {

struct Colora {
  std::int64_t in = 1, out = 1, width = 64;
  std::int64_t depth = 5;    // layers
  std::int64_t rank = 3;     // of the modulated parts
  bool one_a_layer = false;  // alpha_l is one number in place of `rank`
  std::int64_t hyper_width = 25, hyper_depth = 4;
  std::int64_t mu = 0;  // parameters beside time
  Activation activation = Activation::tanh;

  Mlp dense_part() const { return dense(in, width, depth, out, activation); }
  Mlp hyper() const { return dense(1 + mu, hyper_width, hyper_depth, coefficients()); }
  std::int64_t alphas() const { return one_a_layer ? 1 : rank; }  // of a layer
  std::int64_t coefficients() const { return depth * alphas(); }
  std::size_t field_tensors() const { return static_cast<std::size_t>(4 * depth); }
  std::int64_t parameter_count() const;
  double flops(double points) const;

  // W1, b1, U1, V1, W2, ... with U (r,out) and V (r,in) by rows, then the hypernetwork's. Starts constant in
  // time: U is 0.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  Var coefficients_at(std::span<const Var> parameters, const Var& t) const;
  Var coefficients_at_times(std::span<const Var> parameters, const Var& t) const;
  Var operator()(std::span<const Var> parameters, const Var& x, const Var& s) const;
};

}  // namespace lowtide
