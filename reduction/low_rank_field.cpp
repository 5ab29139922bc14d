#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/randomized_svd.h>
#include <lowtide/reduction/low_rank_field.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

// The states behind layers, one after the other; the last is u.
Vars layers(const LowRankWeights& net, const Var& x, const Var& s, std::int64_t count) {
  const int axis = s.shape().rank() - 1;
  if (axis < 0 || axis > 1 || s.shape()[axis] != net.coefficients() || x.shape().rank() != 2 ||
      x.shape()[1] != net.in())
    fail<ShapeError>("low_rank_field",
                     fmt::format("needs x (n,{0}) and s ({1}) or (F,{1}), got {2} and {3}", net.in(),
                                 net.coefficients(), to_string(x.shape()), to_string(s.shape())));
  Vars all;
  Var z = x;
  for (std::int64_t l = 0; l < count; ++l) {
    const LowRankLayer& layer = net.layer(l);
    const std::int64_t begin = net.weight_begin(l), middle = net.bias_begin(l);
    z = low_rank_layer(z, Var(layer.u), Var(layer.v), Var(layer.b), slice(s, axis, begin, middle),
                       slice(s, axis, middle, middle + layer.bias_rank()),
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

// For all rows of s in turn at all points, a tensor (k n, sum of widths) for each derivative.
Tensors snapshots(const LowRankWeights& net, const Tensor& x, const Tensor& s, const Derivatives& derivatives) {
  Tensor repeated({s.shape[0] * x.shape[0], x.shape[1]}, Dtype::f64);
  for (std::int64_t k = 0; k < s.shape[0]; ++k)
    std::copy_n(x.data<double>(), x.size(), repeated.mutable_data<double>() + k * x.size());
  Tape tape;
  const Var points = tape.leaf(repeated), z = hidden_states(net, points, Var(s));
  Tensors all;
  for (const std::vector<int>& axes : derivatives) {
    Var now = z;
    for (const int axis : axes) now = push(now, points, Var(axis_direction(repeated.shape, axis)), Graph::keep);
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

// Left singular vectors and singular values of aT (w,n), or the leading ones.
Svd basis_of(const Tensor& a, std::int64_t rank) {
  const std::int64_t n = a.shape[0], w = a.shape[1];
  if (rank > 0 && 4 * rank < std::min(n, w)) {
    Stream rng(0, "hidden_bases");
    return randomized_svd(transposed(a), rank, rng);
  }
  if (n <= w) return svd(transposed(a));
  Svd parts = svd(multiply(a, a, Trans::yes));
  for (double& value : parts.s.mutable_view<double>()) value = std::sqrt(std::max(0.0, value));
  return parts;
}

}  // namespace

Var field(const LowRankWeights& net, const Var& x, const Var& s) {
  return layers(net, x, s, net.depth()).back();
}

Var hidden_states(const LowRankWeights& net, const Var& x, const Var& s) {
  return concatenate(layers(net, x, s, net.depth() - 1), 1);
}

LocalNets side_by_side(const std::vector<LowRankWeights>& nets) {
  if (nets.empty()) fail<ShapeError>("side_by_side", "no networks");
  const auto n = std::ssize(nets);
  LocalNets out{.activation = nets[0].activation};
  for (std::int64_t l = 0; l < nets[0].depth(); ++l) {
    const LowRankLayer& first = nets[0].layer(l);
    const std::int64_t w = first.out(), q = first.bias_rank();
    LowRankLayer all{Tensor({n, first.weight_rank(), w}, Dtype::f64),
                     Tensor({n, first.weight_rank(), first.in()}, Dtype::f64), Tensor({q, n * w}, Dtype::f64)};
    double *u = all.u.mutable_data<double>(), *v = all.v.mutable_data<double>();
    for (std::int64_t i = 0; i < n; ++i) {
      const LowRankWeights& net = nets[static_cast<std::size_t>(i)];
      if (net.depth() != nets[0].depth() || net.activation != nets[0].activation ||
          net.layer(l).u.shape != first.u.shape || net.layer(l).v.shape != first.v.shape ||
          net.layer(l).b.shape != first.b.shape)
        fail<ShapeError>("side_by_side", fmt::format("network {} has other shapes than the first", i + 1));
      const LowRankLayer& own = net.layer(l);
      u = std::copy_n(own.u.data<double>(), own.u.size(), u);
      v = std::copy_n(own.v.data<double>(), own.v.size(), v);
      for (std::int64_t j = 0; j < q; ++j)
        std::copy_n(own.b.data<double>() + j * w, w, all.b.mutable_data<double>() + (j * n + i) * w);
    }
    out.layers.push_back(std::move(all));
  }
  return out;
}

Var field(const LocalNets& nets, const Var& x, const Var& s) {
  const std::int64_t n = x.shape()[0], k = nets.layers.empty() ? 0 : nets.layers[0].u.shape[0];
  if (k == 0 || n % k != 0)
    fail<ShapeError>("low_rank_field", fmt::format("{} networks, points {}", k, to_string(x.shape())));
  Var z = reshape(x, {k, n / k, x.shape()[1]});
  std::int64_t at = 0;
  for (std::size_t l = 0; l < nets.layers.size(); ++l) {
    const LowRankLayer& layer = nets.layers[l];
    const std::int64_t r = layer.u.shape[1], w = layer.u.shape[2], q = layer.b.shape[0];
    if (layer.u.shape[0] != k || at + r + q > s.size())
      fail<ShapeError>("low_rank_field",
                       fmt::format("{} networks, points {} and coefficients {}", layer.u.shape[0],
                                   to_string(x.shape()), to_string(s.shape())));
    const Var s1 = reshape(slice(s, 0, at, at + r), {1, 1, r}),
              s2 = reshape(slice(s, 0, at + r, at + r + q), {1, q});
    const Var g = batched_matmul(z, Var(layer.v), Trans::no, Trans::yes) * s1;  // (k,n/k,r)
    z = batched_matmul(g, Var(layer.u)) + reshape(matmul(s2, Var(layer.b)), {k, 1, w});
    if (l + 1 < nets.layers.size()) z = activate(nets.activation, z);
    at += r + q;
  }
  return reshape(z, {n, z.shape()[2]});
}

HiddenBases hidden_bases(const LowRankWeights& net, const Tensor& x, const Tensor& s,
                         const Derivatives& derivatives, std::int64_t rank) {
  if (derivatives.empty() || s.shape.rank() != 2 || s.shape[0] < 1 || x.shape.rank() != 2 || x.shape[0] < 1)
    fail<ShapeError>("hidden_bases", fmt::format("nothing to see of points {} and coefficients {}",
                                                 to_string(x.shape), to_string(s.shape)));
  const Tensors seen = snapshots(net, x, s, derivatives);
  HiddenBases out;
  for (std::int64_t l = 0, at = 0; l + 1 < net.depth(); at += net.layer(l++).out()) {
    const std::int64_t n = seen[0].shape[0], w = net.layer(l).out();
    Tensor all({n * std::ssize(seen), w}, Dtype::f64);
    double *to = all.mutable_data<double>(), size = 0;
    for (const Tensor& z : seen) {
      const Tensor part = some_columns(z, at, at + w);
      const double own = norm(part);
      if (&z == &seen[0]) size = own;
      const double factor = own > 0 && size > 0 ? size / own : 1;
      for (std::int64_t i = 0; i < part.size(); ++i) *to++ = factor * part.at(i);
    }
    Svd parts = basis_of(all, rank);
    out.basis.push_back(std::move(parts.u));
    out.singular_values.push_back(std::move(parts.s));
  }
  return out;
}

}  // namespace lowtide
