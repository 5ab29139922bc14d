#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/reduction/low_rank_field.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

// The states behind layers, one after the other; the last is u.
Vars layers(const LowRankWeights& net, const Var& x, const Var& s, std::int64_t count) {
  if (s.shape().rank() != 1 || s.size() != net.coefficients() || x.shape().rank() != 2 ||
      x.shape()[1] != net.in())
    fail<ShapeError>("low_rank_field",
                     fmt::format("needs x (n,{}) and s ({}), got {} and {}", net.in(), net.coefficients(),
                                 to_string(x.shape()), to_string(s.shape())));
  Vars all;
  Var z = x;
  for (std::int64_t l = 0; l < count; ++l) {
    const LowRankLayer& layer = net.layer(l);
    const std::int64_t begin = net.weight_begin(l), middle = net.bias_begin(l);
    z = low_rank_layer(z, Var(layer.u), Var(layer.v), Var(layer.b), slice(s, 0, begin, middle),
                       slice(s, 0, middle, middle + layer.bias_rank()),
                       l + 1 < net.depth() ? net.activation : Activation::none);
    all.push_back(z);
  }
  return all;
}

Tensor axis_direction(const Shape& shape, int axis) {
  Tensor e = zeros(shape, Dtype::f64);
  for (std::int64_t i = 0; i < shape[0]; ++i) e.mutable_data<double>()[i * shape[1] + axis] = 1;
  return e;
}

// All states and derivatives for one row of s: a tensor (n, sum of widths) each.
Tensors snapshots(const LowRankWeights& net, const Tensor& x, const Tensor& s, const Derivatives& derivatives) {
  Tape tape;
  const Var points = tape.leaf(x), z = hidden_states(net, points, Var(s));
  Tensors all;
  for (const std::vector<int>& axes : derivatives) {
    Var now = z;
    for (const int axis : axes) now = push(now, points, Var(axis_direction(x.shape, axis)), Graph::keep);
    all.push_back(now.peek());
  }
  return all;
}

// Columns [begin, end) of a, as a matrix of their own.
Tensor some_columns(const Tensor& a, std::int64_t begin, std::int64_t end) {
  Tensor out({a.shape[0], end - begin}, Dtype::f64);
  for (std::int64_t i = 0; i < a.shape[0]; ++i)
    std::copy_n(a.data<double>() + i * a.shape[1] + begin, end - begin,
                out.mutable_data<double>() + i * (end - begin));
  return out;
}

void add(Tensor& sum, const Tensor& more) {
  double* to = sum.mutable_data<double>();
  for (std::int64_t i = 0; i < sum.size(); ++i) to[i] += more.at(i);
}

using Grams = std::vector<std::vector<Tensor>>;  // of each derivative and layer, z^T z (w,w)

}  // namespace

Var field(const LowRankWeights& net, const Var& x, const Var& s) {
  return layers(net, x, s, net.depth()).back();
}

Var hidden_states(const LowRankWeights& net, const Var& x, const Var& s) {
  return concatenate(layers(net, x, s, net.depth() - 1), 1);
}

HiddenBases hidden_bases(const LowRankWeights& net, const Tensor& x, const Tensor& s,
                         const Derivatives& derivatives) {
  if (derivatives.empty() || s.shape.rank() != 2 || s.shape[0] < 1 || x.shape.rank() != 2 || x.shape[0] < 1)
    fail<ShapeError>("hidden_bases", fmt::format("nothing to see of points {} and coefficients {}",
                                                 to_string(x.shape), to_string(s.shape)));
  const std::int64_t hidden = net.depth() - 1;
  const Grams sums = tree_reduce(
      s.shape[0],
      [&](std::int64_t k) {
        Grams own;
        for (const Tensor& z : snapshots(net, x, s.rows(k, k + 1).reshaped({s.shape[1]}), derivatives)) {
          own.emplace_back();
          for (std::int64_t l = 0, at = 0; l < hidden; at += net.layer(l++).out()) {
            const Tensor part = some_columns(z, at, at + net.layer(l).out());
            own.back().push_back(multiply(part, part, Trans::yes));
          }
        }
        return own;
      },
      [](Grams& a, Grams&& b) {
        for (std::size_t d = 0; d < a.size(); ++d)
          for (std::size_t l = 0; l < a[d].size(); ++l) add(a[d][l], b[d][l]);
      });
  const auto trace = [](const Tensor& g) {
    double sum = 0;
    for (std::int64_t i = 0; i < g.shape[0]; ++i) sum += g.at(i * g.shape[0] + i);
    return sum;
  };
  HiddenBases out;
  for (std::size_t l = 0; l < static_cast<std::size_t>(hidden); ++l) {
    Tensor gram = zeros(sums[0][l].shape, Dtype::f64);
    const double size = trace(sums[0][l]);
    for (const std::vector<Tensor>& of_derivative : sums) {
      const double own = trace(of_derivative[l]), factor = own > 0 && size > 0 ? size / own : 1;
      Tensor part = of_derivative[l].clone();
      for (double& g : part.mutable_view<double>()) g *= factor;
      add(gram, part);
    }
    Svd parts = svd(gram);
    for (double& value : parts.s.mutable_view<double>()) value = std::sqrt(std::max(0.0, value));
    out.basis.push_back(std::move(parts.u));
    out.singular_values.push_back(std::move(parts.s));
  }
  return out;
}

}  // namespace lowtide
