#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/low_rank_weights.h>

#include <algorithm>
#include <cmath>

namespace lowtide {

std::int64_t LowRankWeights::coefficients() const { return weight_begin(depth()); }

std::int64_t LowRankWeights::weight_begin(std::int64_t l) const {
  std::int64_t at = 0;
  for (std::int64_t k = 0; k < l; ++k) at += layer(k).weight_rank() + layer(k).bias_rank();
  return at;
}

std::int64_t LowRankWeights::bias_begin(std::int64_t l) const {
  return weight_begin(l) + layer(l).weight_rank();
}

std::int64_t LowRankWeights::parameter_count() const {
  std::int64_t count = 0;
  for (const LowRankLayer& l : layers) count += l.u.size() + l.v.size() + l.b.size();
  return count;
}

LowRankWeights weights_of(const LowRankNet& net, const Tensors& theta) {
  if (theta.size() < net.parameter_tensors())
    fail<ShapeError>("weights_of",
                     fmt::format("{} factors expected, got {}", net.parameter_tensors(), theta.size()));
  if (net.ranks.term > 1) fail<ShapeError>("weights_of", "only terms of rank one have a coefficient each");
  LowRankWeights weights{.activation = net.activation};
  for (std::size_t l = 0; l < static_cast<std::size_t>(net.depth); ++l)
    weights.layers.push_back(
        {theta[3 * l].cast(Dtype::f64), theta[3 * l + 1].cast(Dtype::f64), theta[3 * l + 2].cast(Dtype::f64)});
  return weights;
}

Tensor activated(Activation activation, const Tensor& y) { return activate(activation, Var(y)).value(); }

double largest_slope(Activation activation, double y, double off) {
  const double nearest = std::max(0.0, std::abs(y) - off);  // to zero
  switch (activation) {
    case Activation::tanh: {
      const double z = std::tanh(nearest);
      return 1 - z * z;
    }
    case Activation::relu:
      return y + off > 0 ? 1 : 0;
    case Activation::silu:
      return 1.1;  // 1.0998 at 2.4
    case Activation::sin:
    case Activation::none:
      break;
  }
  return 1;
}

namespace {

// The columns of s that a layer takes, a row for every point.
Tensor part(const Tensor& s, std::int64_t begin, std::int64_t count) {
  Tensor out({s.shape[0], count}, Dtype::f64);
  const double* from = s.data<double>();
  double* to = out.mutable_data<double>();
  for (std::int64_t i = 0; i < s.shape[0]; ++i) to = std::copy_n(from + i * s.shape[1] + begin, count, to);
  return out;
}

// a (n,k) op= b (n,k) or (1,k)
template <class Op>
void combine(Tensor& a, const Tensor& b, Op op) {
  const std::int64_t k = a.shape[1], step = b.shape[0] == 1 ? 0 : k;
  double* to = a.mutable_data<double>();
  const double* from = b.data<double>();
  for (std::int64_t i = 0; i < a.shape[0]; ++i, to += k, from += step)
    for (std::int64_t j = 0; j < k; ++j) op(to[j], from[j]);
}

Tensor repeated(const Tensor& row, std::int64_t n) {
  Tensor out({n, row.shape[1]}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i)
    std::copy_n(row.data<double>(), row.size(), out.mutable_data<double>() + i * row.size());
  return out;
}

}  // namespace

std::vector<LayerState> pass(const LowRankWeights& net, const Tensor& x, const Tensor& s) {
  const bool fits = x.shape.rank() == 2 && s.shape.rank() == 2 && x.shape[1] == net.in() &&
                    s.shape[1] == net.coefficients() &&
                    (x.shape[0] == s.shape[0] || x.shape[0] == 1 || s.shape[0] == 1);
  if (!fits)
    fail<ShapeError>("low_rank_weights",
                     fmt::format("needs x (n,{}) and s (n,{}), got {} and {}", net.in(), net.coefficients(),
                                 to_string(x.shape), to_string(s.shape)));
  std::vector<LayerState> all;
  Tensor z = x.shape[0] < s.shape[0] ? repeated(x, s.shape[0]) : x;
  for (std::int64_t l = 0; l < net.depth(); ++l) {
    const LowRankLayer& layer = net.layer(l);
    Tensor g = multiply(z, layer.v, Trans::no, Trans::yes);  // (n,m) x (m,r1)
    combine(g, part(s, net.weight_begin(l), layer.weight_rank()), [](double& a, double b) { a *= b; });
    Tensor y = multiply(g, layer.u);
    combine(y, multiply(part(s, net.bias_begin(l), layer.bias_rank()), layer.b),
            [](double& a, double b) { a += b; });
    z = l + 1 < net.depth() ? activated(net.activation, y) : y;
    all.push_back({y, z});
  }
  return all;
}

Tensor values(const LowRankWeights& net, const Tensor& x, const Tensor& s) { return pass(net, x, s).back().z; }

Tensor columns_of(const Tensor& a, const std::vector<std::int64_t>& which) {
  Tensor out({a.shape[0], std::ssize(which)}, Dtype::f64);
  double* to = out.mutable_data<double>();
  for (std::int64_t i = 0; i < a.shape[0]; ++i)
    for (const std::int64_t j : which) *to++ = a.data<double>()[i * a.shape[1] + j];
  return out;
}

Tensor first_columns(const Tensor& a, std::int64_t count) { return part(a, 0, count); }

Tensor rows_of(const Tensor& a, const std::vector<std::int64_t>& which) {
  Tensor out({std::ssize(which), a.shape[1]}, Dtype::f64);
  double* to = out.mutable_data<double>();
  for (const std::int64_t i : which) to = std::copy_n(a.data<double>() + i * a.shape[1], a.shape[1], to);
  return out;
}

double largest_row_difference(const Tensor& a, const Tensor& b) {
  if (a.shape.rank() != 2 || !(a.shape == b.shape))
    fail<ShapeError>("largest_row_difference",
                     fmt::format("shapes differ: {} and {}", to_string(a.shape), to_string(b.shape)));
  const std::int64_t c = a.shape[1];
  double most = 0;
  for (std::int64_t i = 0; i < a.shape[0]; ++i) {
    double square = 0;
    for (std::int64_t k = i * c; k < (i + 1) * c; ++k) square += (a.at(k) - b.at(k)) * (a.at(k) - b.at(k));
    if (std::isnan(square)) return square;
    most = std::max(most, square);
  }
  return std::sqrt(most);
}

}  // namespace lowtide
