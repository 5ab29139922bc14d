// A low-rank network as plain matrices in f64, each weight and each bias with a rank of its own. The reductions
// work on it, and truncated networks and FastLRNRs are such networks again.
//   y_l = U_l diag(s1_l) V_lT z_(l-1) + B_l s2_l,  z_l = sigma(y_l),  u = y_L     (LRNR, equations 2.8 to 2.10)
#pragma once
#include <lowtide/models/low_rank.h>

#include <functional>
#include <vector>

namespace lowtide {

struct LowRankLayer {  // rank-one terms in rows
  Tensor u{};          // (r1,w)
  Tensor v{};          // (r1,m)
  Tensor b{};          // (r2,w)

  std::int64_t weight_rank() const { return u.shape[0]; }
  std::int64_t bias_rank() const { return b.shape[0]; }
  std::int64_t in() const { return v.shape[1]; }
  std::int64_t out() const { return u.shape[1]; }
};

struct LowRankWeights {
  Activation activation = Activation::tanh;
  std::vector<LowRankLayer> layers{};

  std::int64_t depth() const { return std::ssize(layers); }
  std::int64_t in() const { return layers.front().in(); }
  std::int64_t out() const { return layers.back().out(); }
  const LowRankLayer& layer(std::int64_t l) const { return layers[static_cast<std::size_t>(l)]; }
  std::int64_t coefficients() const;                // the length of s = (s1_1, s2_1, s1_2, ...)
  std::int64_t weight_begin(std::int64_t l) const;  // where s1 of layer l (from 0) begins in s
  std::int64_t bias_begin(std::int64_t l) const;
  std::int64_t parameter_count() const;
};

LowRankWeights weights_of(const LowRankNet& net, const Tensors& theta);

// Rows of s (n,k) belong to rows of x (n,d); either may have a single row, which then belongs to all of the
// other.
struct LayerState {
  Tensor y{};  // (n,w), what goes into the activation
  Tensor z{};  // (n,w), what comes out; of the last layer y itself, which is u
};
std::vector<LayerState> pass(const LowRankWeights& net, const Tensor& x, const Tensor& s);
Tensor values(const LowRankWeights& net, const Tensor& x, const Tensor& s);

// sigma(y), elementwise.
Tensor activated(Activation activation, const Tensor& y);
// A number that no slope of sigma exceeds on [y - off, y + off].
double largest_slope(Activation activation, double y, double off);

// s at scaled times t (k), in [-1,1] where the model has been trained: (k,n) in f64.
using CoefficientsAt = std::function<Tensor(const Tensor& t)>;

// The chosen columns of a (n,k), in the order given.
Tensor columns_of(const Tensor& a, const std::vector<std::int64_t>& which);
Tensor first_columns(const Tensor& a, std::int64_t count);
Tensor rows_of(const Tensor& a, const std::vector<std::int64_t>& which);
// The largest |row of a - row of b|_2; NaN where a number is.
double largest_row_difference(const Tensor& a, const Tensor& b);

}  // namespace lowtide
