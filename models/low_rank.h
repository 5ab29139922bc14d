// A network in x whose weights and biases are low-rank expansions
//   W_l(s) = U_l diag(s1_l) V_lT,  b_l(s) = B_l s2_l        (LRNR, equations 2.8 to 2.10)
// What the coefficients s are a function of is the business of Lrnr and LrnrCheb.
#pragma once
#include <lowtide/models/frame.h>
#include <lowtide/models/mlp.h>

#include <algorithm>
#include <vector>

namespace lowtide {

// How factors start. With plain ones, nearly all units of the first layer are almost linear on [-1,1].
// With kinks, for s = 1, unit j is sigma(w_j . (x - x_j)) with 5 <= |w_j| <= 20 and its kink x_j somewhere
// in the domain and a little beyond.
enum class Start : std::uint8_t { plain, kinks };

// Ranks r1_l and r2_l that differ from layer to layer, and the rank of what a coefficient multiplies: in
//   W_l(s) = sum_i s1_li W_li
// the matrices W_li have rank one (LRNR, 2.7) unless `term` says more; from the width on they are general.
// Factors then have `term` rows, or as many as make a general matrix, for each coefficient.
struct LayerRanks {
  std::vector<std::int64_t> weight{}, bias{};  // of the layers; empty: all are alike
  std::int64_t term = 1;

  bool alike() const { return weight.empty() && bias.empty(); }
};

struct LowRankNet {
  std::int64_t in = 1, out = 1, width = 64;
  std::int64_t depth = 5;  // layers
  std::int64_t rank = 16;  // of every weight and every bias, unless `ranks` tells
  Activation activation = Activation::tanh;
  Start start = Start::plain;
  LayerRanks ranks{};

  std::int64_t weight_rank(std::int64_t l) const { return of_layer(ranks.weight, l); }
  std::int64_t bias_rank(std::int64_t l) const { return of_layer(ranks.bias, l); }
  std::int64_t term_rank(std::int64_t l) const { return std::min({ranks.term, layer_in(l), layer_out(l)}); }
  std::int64_t factor_rows(std::int64_t l) const { return weight_rank(l) * term_rank(l); }  // of U_l and V_l
  std::int64_t coefficients() const;
  std::int64_t layer_in(std::int64_t l) const { return l == 0 ? in : width; }
  std::int64_t layer_out(std::int64_t l) const { return l + 1 == depth ? out : width; }
  std::size_t parameter_tensors() const { return static_cast<std::size_t>(3 * depth); }
  std::int64_t parameter_count() const;

  // U1, V1, B1, U2, V2, B2, ..., each stored by rows (see low_rank_layer).
  Tensors init(const Stream& stream, Dtype dtype) const;
  // u at the rows of x, for s = (s1_1, s2_1, s1_2, ...); for s (F,n), of F times in turn, equally many rows of
  // each. Parameters after the factors are not looked at.
  Var operator()(std::span<const Var> parameters, const Var& x, const Var& s) const;
  // What the network costs at least, forward and backward, for points of one time: multiplications and
  // additions of the factored hidden layers (12 width rank each) and of the assembled thin ones.
  double flops(double points) const;

 private:
  std::int64_t of_layer(const std::vector<std::int64_t>& own, std::int64_t l) const {
    return own.empty() ? rank : own[static_cast<std::size_t>(l)];
  }
};

// Root mean square of the network at points x, over the rows s (k,n).
double output_rms(const LowRankNet& net, const Tensors& theta, const Tensor& x, const Tensor& s);

// Output scaling: multiplies the last layer, so that the root mean square over x (n,d) and the times t
// (k,1+p) becomes `rms`; half of the data's is a good choice. Without it a network starts ten times too
// large and the first epochs go into making it small.
void scale_output(const LowRankNet& net, Tensors& theta, const Tensor& x, const Tensor& s, double rms);

template <FrameModel M>
void scale_output(const M& model, Tensors& theta, const Tensor& x, const Tensor& t, double rms) {
  const Tensor s = model.coefficients_at_times(Vars(theta.begin(), theta.end()), Var(t)).value();
  scale_output(model.factors(), theta, x, s, rms);
}

}  // namespace lowtide
