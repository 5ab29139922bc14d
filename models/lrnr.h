// Low-rank neural representations: a LowRankNet in x with coefficients s = f_hyper(t, mu) from a small
// network in time and parameters (LRNR, 4.1).
#pragma once
#include <lowtide/models/low_rank.h>

namespace lowtide {

// What the hypernetwork ends with. The paper's count of hypermodes exceeds the width of its hypernetworks,
// which a linear head cannot do: its coefficients span width + 1 dimensions.
enum class Head : std::uint8_t { linear, relu, softplus };

struct Lrnr {
  std::int64_t in = 1, out = 1, width = 64;
  std::int64_t depth = 5;  // layers
  std::int64_t rank = 16;  // of every weight and every bias, unless `ranks` tells
  std::int64_t hyper_width = 25, hyper_depth = 4;
  Activation activation = Activation::tanh;
  std::int64_t mu = 0;  // parameters beside time
  Head head = Head::linear;
  Start start = Start::plain;
  LayerRanks ranks{};

  LowRankNet factors() const { return {in, out, width, depth, rank, activation, start, ranks}; }
  Mlp hyper() const;
  std::int64_t coefficients() const { return factors().coefficients(); }
  std::int64_t layer_in(std::int64_t l) const { return factors().layer_in(l); }
  std::int64_t layer_out(std::int64_t l) const { return factors().layer_out(l); }
  std::size_t field_tensors() const { return factors().parameter_tensors(); }
  std::int64_t parameter_count() const { return factors().parameter_count() + hyper().parameter_count(); }
  double flops(double points) const { return factors().flops(points); }

  // U1, V1, B1, U2, V2, B2, ..., then the hypernetwork's. Coefficients start near 1.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  // s for the time and parameters t (1,1+p), as one vector (s1_1, s2_1, s1_2, ...).
  Var coefficients_at(std::span<const Var> parameters, const Var& t) const;
  // A row of them for every row of t (k,1+p).
  Var coefficients_at_times(std::span<const Var> parameters, const Var& t) const;
  // u at the rows of x, all at the time whose coefficients are s.
  Var operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
    return factors()(parameters, x, s);
  }
};

}  // namespace lowtide
