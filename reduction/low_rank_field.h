// Low-rank networks of plain matrices in Vars: differentiable in x and in the coefficients s, whatever the
// ranks of their layers, so that a FastLRNR stands in an equation as the network does (Cho, Lee, Park, Rim and
// Welper, FastLRNR and sparse physics informed backpropagation, 2025).
#pragma once
#include <lowtide/autodiff/functions.h>
#include <lowtide/reduction/fast_lrnr.h>

#include <vector>

namespace lowtide {

// u at the rows of x (n,d), all with coefficients s (k), in f64: (n,c). With s (F,k), of F times in turn,
// equally many rows of each.
Var field(const LowRankWeights& net, const Var& x, const Var& s);
// Behind every hidden layer, side by side: (n, w_1 + w_2 + ...).
Var hidden_states(const LowRankWeights& net, const Var& x, const Var& s);

// Networks of equal shapes side by side, each for as many rows of x, one after the other: the layers of k of
// them hold u (k,r,w), v (k,r,m) and b (q,k w).
struct LocalNets {
  Activation activation = Activation::tanh;
  std::vector<LowRankLayer> layers{};
};
LocalNets side_by_side(const std::vector<LowRankWeights>& nets);
Var field(const LocalNets& nets, const Var& x, const Var& s);  // of n rows, row i by net i k / n

// Which derivatives by the inputs hold at points: {} the states themselves, {0} by the first input, {0, 0}
// twice by it.
using Derivatives = std::vector<std::vector<int>>;

// Bases of hidden states at points x (n,d) for the rows of s (k,n), and of their derivatives: an interpolation
// that holds for these too reproduces the derivatives of the field. Each derivative is scaled to the mean
// square of the first. Where there are more states than units, singular values below 1e-8 of the first are
// noise, and all directions of a layer are there; with `rank`, only that many leading ones, from a sketch where
// that is less work.
HiddenBases hidden_bases(const LowRankWeights& net, const Tensor& x, const Tensor& s,
                         const Derivatives& derivatives, std::int64_t rank = 0);

}  // namespace lowtide
