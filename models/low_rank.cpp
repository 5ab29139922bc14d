#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/models/low_rank.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr double steepness = 10;  // w0
constexpr double reach = 1.1;     // kinks lie in [-reach, reach]^d

double root(std::int64_t n) { return std::sqrt(static_cast<double>(n)); }

// Where the kinks are: evenly spaced in shuffled order in one dimension, uniform in more.
Tensor kink_places(const Stream& stream, std::int64_t units, std::int64_t in) {
  Stream numbers = stream.child("kinks");
  if (in > 1) return numbers.uniform({units, in}, Dtype::f64, -reach, reach);
  const auto order = numbers.permutation(units);
  const Tensor line = linspace(-reach, reach, units, Dtype::f64);
  Tensor places({units, 1}, Dtype::f64);
  for (std::int64_t j = 0; j < units; ++j)
    places.mutable_data<double>()[j] = line.at(order[static_cast<std::size_t>(j)]);
  return places;
}

// Slopes in random directions, lengths uniform in steepness (1/2, 2); (w,d).
Tensor kink_slopes(const Stream& stream, std::int64_t units, std::int64_t in) {
  Tensor slopes = stream.child("directions").normal({units, in}, Dtype::f64);
  const Tensor length = stream.child("slopes").uniform({units}, Dtype::f64, steepness / 2, 2 * steepness);
  double* w = slopes.mutable_data<double>();
  for (std::int64_t j = 0; j < units; ++j) {
    double square = 0;
    for (std::int64_t k = 0; k < in; ++k) square += w[j * in + k] * w[j * in + k];
    for (std::int64_t k = 0; k < in; ++k) w[j * in + k] *= length.at(j) / std::sqrt(square);
  }
  return slopes;
}

// U1, V1, B1: Gaussian, then changed as little as makes, for s = 1, the weights the wanted slopes and the
// biases put the kinks where they belong.
Tensors kinked_layer(const Stream& stream, std::int64_t rank, std::int64_t bias_rank, std::int64_t units,
                     std::int64_t in) {
  Tensor u = stream.child("U").normal({rank, units}, Dtype::f64, 0, steepness / static_cast<double>(rank));
  const Tensor v = stream.child("V").normal({rank, in}, Dtype::f64);
  Tensor b = stream.child("B").normal({bias_rank, units}, Dtype::f64, 0, 0.5 * steepness / root(bias_rank));
  const Tensor places = kink_places(stream, units, in), slopes = kink_slopes(stream, units, in);

  Tensor missing = multiply(v, u, Trans::yes);  // (d,w)
  for (std::int64_t k = 0; k < in; ++k)
    for (std::int64_t j = 0; j < units; ++j) {
      double& m = missing.mutable_data<double>()[k * units + j];
      m = slopes.at(j * in + k) - m;
    }
  const Tensor correction = least_squares(transposed(v), missing);  // (r,w), the smallest
  for (std::int64_t i = 0; i < u.size(); ++i) u.mutable_data<double>()[i] += correction.at(i);

  double* bias = b.mutable_data<double>();
  for (std::int64_t j = 0; j < units; ++j) {
    double off = 0;
    for (std::int64_t k = 0; k < in; ++k) off -= slopes.at(j * in + k) * places.at(j * in + k);
    for (std::int64_t i = 0; i < bias_rank; ++i) off -= bias[i * units + j];
    for (std::int64_t i = 0; i < bias_rank; ++i) bias[i * units + j] += off / static_cast<double>(bias_rank);
  }
  return {u, v, b};
}

// s with each of its entries `times` times in a row.
Var repeated(const Var& s, std::int64_t times) {
  if (times == 1) return s;
  const int axis = s.shape().rank() - 1;
  const std::int64_t n = s.shape()[axis], frames = axis == 0 ? 1 : s.shape()[0];
  const Var all = reshape(s, {frames, n, 1}) * Var(ones({1, 1, times}, s.dtype()));
  return reshape(all, axis == 0 ? Shape{n * times} : Shape{frames, n * times});
}

void check_ranks(const LowRankNet& net) {
  const auto depth = static_cast<std::size_t>(net.depth);
  const LayerRanks& r = net.ranks;
  for (const auto* list : {&r.weight, &r.bias})
    if (!list->empty() && list->size() != depth)
      fail<ShapeError>("lrnr", fmt::format("{} ranks for {} layers", list->size(), depth));
  for (std::int64_t l = 0; l < net.depth; ++l)
    if (net.weight_rank(l) < 1 || net.bias_rank(l) < 0 || r.term < 1)
      fail<ShapeError>("lrnr",
                       fmt::format("layer {}: rank {} of the weight, {} of the bias, {} of a term; weights "
                                   "need 1, biases 0 at least",
                                   l + 1, net.weight_rank(l), net.bias_rank(l), r.term));
}

void multiply_by(Tensor& a, double factor) {
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (T& x : a.mutable_view<T>()) x *= static_cast<T>(factor);
  });
}

}  // namespace

std::int64_t LowRankNet::coefficients() const {
  std::int64_t count = 0;
  for (std::int64_t l = 0; l < depth; ++l) count += weight_rank(l) + bias_rank(l);
  return count;
}

std::int64_t LowRankNet::parameter_count() const {
  std::int64_t count = 0;
  for (std::int64_t l = 0; l < depth; ++l)
    count += factor_rows(l) * (layer_in(l) + layer_out(l)) + bias_rank(l) * layer_out(l);
  return count;
}

Tensors LowRankNet::init(const Stream& stream, Dtype dtype) const {
  if (depth < 2 || rank < 1 || width < 1)
    fail<ShapeError>("lrnr", "depth must be at least 2, width and rank at least 1");
  check_ranks(*this);
  if (start == Start::kinks && (factor_rows(0) < in || bias_rank(0) < 1))
    fail<ShapeError>("lrnr",
                     fmt::format("kinks need a rank of the inputs' number and a bias: rank {}, in {}, bias {}",
                                 factor_rows(0), in, bias_rank(0)));
  Tensors parameters;
  for (std::int64_t l = 0; l < depth; ++l) {
    const auto index = static_cast<std::uint64_t>(l);
    if (l == 0 && start == Start::kinks) {
      for (const Tensor& p : kinked_layer(stream, factor_rows(l), bias_rank(l), width, in))
        parameters.push_back(p.cast(dtype));
      continue;
    }
    const std::int64_t rows = factor_rows(l), q = bias_rank(l);
    const double fan = 1 / root(layer_in(l));
    parameters.push_back(stream.child("U", index).normal({rows, layer_out(l)}, dtype, 0, 1 / root(rows)));
    parameters.push_back(stream.child("V", index).normal({rows, layer_in(l)}, dtype, 0, fan));
    parameters.push_back(
        stream.child("B", index).normal({q, layer_out(l)}, dtype, 0, 1 / root(std::max<std::int64_t>(q, 1))));
  }
  return parameters;
}

Var LowRankNet::operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
  const int axis = s.shape().rank() - 1;  // along which the coefficients of one time stand
  if (parameters.size() < parameter_tensors() || axis < 0 || axis > 1 || s.shape()[axis] != coefficients())
    fail<ShapeError>("lrnr",
                     fmt::format("needs {0} factors and coefficients ({1}) or (F,{1}), got {2} tensors and {3}",
                                 parameter_tensors(), coefficients(), parameters.size(), to_string(s.shape())));
  Var z = x;
  for (std::int64_t l = 0, at = 0; l < depth; ++l) {
    const Var* factors = &parameters[static_cast<std::size_t>(3 * l)];
    const std::int64_t middle = at + weight_rank(l), end = middle + bias_rank(l);
    const Var s1 = repeated(slice(s, axis, at, middle), term_rank(l)), s2 = slice(s, axis, middle, end);
    at = end;
    z = low_rank_layer(z, factors[0], factors[1], factors[2], s1, s2,
                       l + 1 < depth ? activation : Activation::none);
  }
  return z;
}

double LowRankNet::flops(double points) const {
  double total = 0;
  for (std::int64_t l = 0; l < depth; ++l) {
    const auto m = static_cast<double>(layer_in(l)), w = static_cast<double>(layer_out(l)),
               r = static_cast<double>(factor_rows(l)), q = static_cast<double>(bias_rank(l));
    const double sweeps = l == 0 ? 2 : 3;  // the first layer's input needs no cotangent
    const double factored = sweeps * 2 * points * r * (m + w);
    const double assembled = 6 * m * r * w + sweeps * 2 * points * m * w;
    total += std::min(factored, assembled) + 6 * w * q;  // and the bias
  }
  return total;
}

double output_rms(const LowRankNet& net, const Tensors& theta, const Tensor& x, const Tensor& s) {
  const Vars parameters(theta.begin(), theta.end());
  double square = 0;
  const std::int64_t times = s.shape[0];
  for (std::int64_t k = 0; k < times; ++k) {
    const double size = norm(net(parameters, Var(x), Var(s.rows(k, k + 1).reshaped({s.shape[1]}))).value());
    square += size * size;
  }
  return std::sqrt(square / static_cast<double>(times * x.shape[0] * net.out));
}

// The last layer is linear, so U (by the root), V (by the root) and B (all of it) scale u exactly.
void scale_output(const LowRankNet& net, Tensors& theta, const Tensor& x, const Tensor& s, double rms) {
  const double now = output_rms(net, theta, x, s), factor = rms / now;
  if (!(rms > 0 && now > 0 && std::isfinite(factor)))
    fail<Error>("scale_output", fmt::format("cannot bring a root mean square of {} to {}", now, rms));
  Tensor* last = &theta[net.parameter_tensors() - 3];
  multiply_by(last[0], std::sqrt(factor));
  multiply_by(last[1], std::sqrt(factor));
  multiply_by(last[2], factor);
}

}  // namespace lowtide
