#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/reduction/mode_tangents.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t per_tile = 64;  // points whose tangents fit the second cache

double slope(Activation activation, double y) {
  switch (activation) {
    case Activation::tanh: {
      const double z = std::tanh(y);
      return 1 - z * z;
    }
    case Activation::relu:
      return y > 0 ? 1 : 0;
    case Activation::silu: {
      const double q = 1 / (1 + std::exp(-y));
      return q * (1 + y * (1 - q));
    }
    case Activation::sin:
      return std::cos(y);
    case Activation::none:
      break;
  }
  return 1;
}

// Of the coefficients of all layers, those of one: rows of (r,k).
Tensor part(const Tensor& rows, std::int64_t begin, std::int64_t count) {
  Tensor out({rows.shape[0], count}, Dtype::f64);
  double* to = out.mutable_data<double>();
  for (std::int64_t j = 0; j < rows.shape[0]; ++j)
    to = std::copy_n(rows.data<double>() + j * rows.shape[1] + begin, count, to);
  return out;
}

// What does not depend on the point: a layer's share of s and of the modes, and the biases that they make.
struct LayerShare {
  Tensor s1, phi1;    // (1,r1), (r,r1)
  Tensor bias, tilt;  // (1,w), (r,w)
};

std::vector<LayerShare> shares(const LowRankWeights& net, const Tensor& modes, const Tensor& s) {
  std::vector<LayerShare> all;
  for (std::int64_t l = 0; l < net.depth(); ++l) {
    const LowRankLayer& layer = net.layer(l);
    const std::int64_t w = net.weight_begin(l), b = net.bias_begin(l);
    all.push_back({part(s, w, layer.weight_rank()), part(modes, w, layer.weight_rank()),
                   multiply(part(s, b, layer.bias_rank()), layer.b),
                   multiply(part(modes, b, layer.bias_rank()), layer.b)});
  }
  return all;
}

//   y = UT (s1 o V z) + b,   dy_j = UT (phi1_j o V z + s1 o V dz_j) + db_j,   dz_j = sigma'(y) o dy_j
// Tangents lie direction after direction, each with all points: (r n, w).
ModeTangents of_tile(const LowRankWeights& net, const std::vector<LayerShare>& all, const Tensor& x) {
  const std::int64_t n = x.shape[0], r = all[0].phi1.shape[0];
  Tensor z = x, dz;
  for (std::int64_t l = 0; l < net.depth(); ++l) {
    const LowRankLayer& layer = net.layer(l);
    const LayerShare& share = all[static_cast<std::size_t>(l)];
    const std::int64_t r1 = layer.weight_rank(), w = layer.out();
    const double *s1 = share.s1.data<double>(), *phi1 = share.phi1.data<double>();
    Tensor g = multiply(z, layer.v, Trans::no, Trans::yes);  // (n,r1)
    Tensor dg = dz ? multiply(dz, layer.v, Trans::no, Trans::yes) : zeros({r * n, r1}, Dtype::f64);
    double *state = g.mutable_data<double>(), *tangent = dg.mutable_data<double>();
    for (std::int64_t j = 0; j < r; ++j)
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = 0; k < r1; ++k) {
          double& t = tangent[(j * n + i) * r1 + k];
          t = t * s1[k] + phi1[j * r1 + k] * state[i * r1 + k];
        }
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < r1; ++k) state[i * r1 + k] *= s1[k];
    Tensor y = multiply(g, layer.u);
    dz = multiply(dg, layer.u);
    double *to = y.mutable_data<double>(), *by = dz.mutable_data<double>();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < w; ++k) to[i * w + k] += share.bias.at(k);
    const bool last = l + 1 == net.depth();
    Tensor slopes({n, w}, Dtype::f64);
    double* slopes_to = slopes.mutable_data<double>();
    for (std::int64_t i = 0; i < n * w; ++i) slopes_to[i] = last ? 1 : slope(net.activation, to[i]);
    const double* tilt = share.tilt.data<double>();
    for (std::int64_t j = 0; j < r; ++j)
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = 0; k < w; ++k) {
          double& t = by[(j * n + i) * w + k];
          t = slopes_to[i * w + k] * (t + tilt[j * w + k]);
        }
    z = last ? y : activated(net.activation, y);
  }
  return {z, dz};
}

}  // namespace

ModeTangents mode_tangents(const LowRankWeights& net, const Tensor& modes, const Tensor& x, const Tensor& s) {
  const std::int64_t n = x.shape[0], c = net.out(), r = modes.shape[1];
  if (x.shape.rank() != 2 || x.shape[1] != net.in() || s.shape != Shape({1, net.coefficients()}) ||
      modes.shape[0] != net.coefficients())
    fail<ShapeError>("mode_tangents", fmt::format("points {}, coefficients {} and modes {} of a network of {}",
                                                  to_string(x.shape), to_string(s.shape),
                                                  to_string(modes.shape), net.coefficients()));
  const std::vector<LayerShare> all = shares(net, transposed(modes), s);
  ModeTangents out{Tensor({n, c}, Dtype::f64), Tensor({n * c, r}, Dtype::f64)};
  double *u = out.u.mutable_data<double>(), *by_mode = out.by_mode.mutable_data<double>();
  parallel_for((n + per_tile - 1) / per_tile, [&](std::int64_t tile) {
    const std::int64_t begin = tile * per_tile, end = std::min(n, begin + per_tile), count = end - begin;
    const ModeTangents here = of_tile(net, all, x.rows(begin, end));
    std::copy_n(here.u.data<double>(), count * c, u + begin * c);
    const double* from = here.by_mode.data<double>();
    for (std::int64_t j = 0; j < r; ++j)
      for (std::int64_t i = 0; i < count * c; ++i) by_mode[(begin * c + i) * r + j] = *from++;
  });
  return out;
}

Var recorded_values(const LowRankWeights& net, const Var& x, const Tensor& s) {
  Var z = x;
  for (std::int64_t l = 0; l < net.depth(); ++l) {
    const LowRankLayer& layer = net.layer(l);
    const auto coefficients = [&](std::int64_t begin, std::int64_t count) {
      return Var(part(s, begin, count).reshaped({count}));
    };
    z = low_rank_layer(z, Var(layer.u), Var(layer.v), Var(layer.b),
                       coefficients(net.weight_begin(l), layer.weight_rank()),
                       coefficients(net.bias_begin(l), layer.bias_rank()),
                       l + 1 < net.depth() ? net.activation : Activation::none);
  }
  return z;
}

}  // namespace lowtide
