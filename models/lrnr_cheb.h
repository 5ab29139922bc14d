// Low-rank neural representations whose coefficients are Chebyshev series in time, in place of a
// hypernetwork: s(t) = sum_k c_k T_k(t), k < terms, t in [-1,1].
#pragma once
#include <lowtide/models/low_rank.h>

namespace lowtide {

struct LrnrCheb {
  std::int64_t in = 1, out = 1, width = 64;
  std::int64_t depth = 5;   // layers
  std::int64_t rank = 16;   // of every weight and every bias, unless `ranks` tells
  std::int64_t terms = 16;  // of the series
  Activation activation = Activation::tanh;
  Start start = Start::plain;
  LayerRanks ranks{};

  LowRankNet factors() const { return {in, out, width, depth, rank, activation, start, ranks}; }
  std::int64_t coefficients() const { return factors().coefficients(); }
  std::size_t field_tensors() const { return factors().parameter_tensors(); }
  std::int64_t parameter_count() const { return factors().parameter_count() + terms * coefficients(); }
  double flops(double points) const { return factors().flops(points); }

  // The factors, then c (terms,n). Coefficients start near 1.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  Var coefficients_at(std::span<const Var> parameters, const Var& t) const;
  Var coefficients_at_times(std::span<const Var> parameters, const Var& t) const;
  Var operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
    return factors()(parameters, x, s);
  }
};

// T_0(t), ..., T_(terms-1)(t) for t (k,1), as (k,terms).
Var chebyshev(const Var& t, std::int64_t terms);

}  // namespace lowtide
