#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/autodiff/tiles.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/embedded.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {
namespace {

constexpr std::int64_t tile_rows = 500;

double frequency(std::int64_t band) { return std::numbers::pi / 2 * std::ldexp(1.0, static_cast<int>(band)); }

void require_points(const Embedded& net, const Shape& x) {
  if (x.rank() != 2 || x[1] != net.in)
    fail<ShapeError>("embedded", fmt::format("points {} for a network of {} inputs", to_string(x), net.in));
}

Tensors in_f64(const Tensors& xs) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(x.cast(Dtype::f64));
  return result;
}

// f of every tile of rows of x, one below the other.
template <class F>
Tensor by_tiles(const Tensor& x, std::int64_t columns, const F& f) {
  const Tiles tiles{x.shape[0], tile_rows};
  Tensor result({x.shape[0], columns}, Dtype::f64);
  double* to = result.mutable_data<double>();
  parallel_for(tiles.count(), [&](std::int64_t i) {
    const Tile tile = tiles[i];
    const Tensor y = f(tile.rows(x));
    std::copy_n(y.data<double>(), y.size(), to + tile.begin * columns);
  });
  return result;
}

}  // namespace

Mlp Embedded::layers() const {
  if (in < 1 || out < 1 || bands < 1 || bands > 30)
    fail<ShapeError>("embedded", fmt::format("no network has in {}, out {}, bands {}", in, out, bands));
  return dense(2 * in * bands, width, depth, 1, Activation::silu);
}

std::int64_t Embedded::parameter_count() const { return out * layers().parameter_count(); }
std::size_t Embedded::parameter_tensors() const {
  return static_cast<std::size_t>(out) * layers().parameter_tensors();
}
double Embedded::flops(double points) const { return static_cast<double>(out) * layers().flops(points); }

Tensors Embedded::init(const Stream& stream, Dtype dtype) const {
  Tensors parameters;
  for (std::int64_t k = 0; k < out; ++k)
    for (const Tensor& p : torch_init(layers(), stream.child("output", static_cast<std::uint64_t>(k)), dtype))
      parameters.push_back(p);
  return parameters;
}

Var Embedded::embedding(const Var& x) const {
  require_points(*this, x.shape());
  // x F holds w_k x_i in column k d + i.
  const std::int64_t columns = in * bands;
  Tensor turns = zeros({in, columns}, Dtype::f64), sizes({columns}, Dtype::f64);
  for (std::int64_t j = 0; j < columns; ++j) {
    turns.mutable_data<double>()[j % in * columns + j] = frequency(j / in);
    sizes.mutable_data<double>()[j] = size / std::pow(frequency(j / in), decay);
  }
  const Var angles = matmul(x, Var(turns.cast(x.dtype()))), scale(sizes.cast(x.dtype()));
  return concatenate({sin(angles) * scale, cos(angles) * scale}, 1);
}

Var Embedded::boundary(const Var& x) const {
  const Var factors = 1.0 - square(x);
  Var product = slice(factors, 1, 0, 1);
  for (std::int64_t i = 1; i < in; ++i) product = product * slice(factors, 1, i, i + 1);
  return product;
}

Var Embedded::operator()(std::span<const Var> parameters, const Var& x) const {
  if (parameters.size() != parameter_tensors())
    fail<ShapeError>("embedded", "a wrong number of parameter tensors");
  const Mlp net = layers();
  const Var gamma = embedding(x);
  Vars outputs;
  for (std::size_t k = 0; k < static_cast<std::size_t>(out); ++k)
    outputs.push_back(net(parameters.subspan(k * net.parameter_tensors(), net.parameter_tensors()), gamma));
  const Var y = out == 1 ? outputs[0] : concatenate(outputs, 1);
  return walls ? y * boundary(x) : y;
}

Tensors Embedded::features(const Tensors& parameters, const Tensor& x) const {
  if (parameters.size() != parameter_tensors())
    fail<ShapeError>("embedded", "a wrong number of parameter tensors");
  require_points(*this, x.shape);
  const Tensors theta = in_f64(parameters);
  const std::size_t each = layers().parameter_tensors();
  const std::int64_t k = depth == 1 ? 2 * in * bands : width;
  Tensors result;
  for (std::size_t j = 0; j < static_cast<std::size_t>(out); ++j)
    result.push_back(by_tiles(x, k, [&](const Tensor& rows) {
      return value(
          [&](const Vars& xs) {
            Var z = embedding(xs[0]);
            for (std::size_t l = 0; 2 * l + 2 < each; ++l)
              z = affine(z, Var(theta[j * each + 2 * l]), Var(theta[j * each + 2 * l + 1]), Activation::silu);
            return walls ? z * boundary(xs[0]) : z;
          },
          {rows.cast(Dtype::f64)});
    }));
  return result;
}

Tensor values_of(const Embedded& net, const Tensors& parameters, const Tensor& x) {
  require_points(net, x.shape);
  const Tensors theta = in_f64(parameters);
  return by_tiles(x, net.out, [&](const Tensor& rows) {
    return value([&](const Vars& p) { return net(p, Var(rows.cast(Dtype::f64))); }, theta);
  });
}

Tensors Evolved::parameters(std::int64_t time) const {
  Tensors like;  // shapes only
  const Mlp layers = net.layers();
  for (std::int64_t k = 0; k < net.out; ++k)
    for (std::size_t l = 0; l < layers.layers(); ++l) {
      like.push_back(Tensor({layers.widths[l], layers.widths[l + 1]}, Dtype::f64));
      like.push_back(Tensor({layers.widths[l + 1]}, Dtype::f64));
    }
  return unflatten(theta.rows(time, time + 1).reshaped({theta.shape[1]}), like);
}

Tensor Evolved::at(const Tensor& x, double t) const {
  const std::int64_t count = times.size();
  if (count < 1 || theta.shape.rank() != 2 || theta.shape[0] != count)
    fail<ShapeError>("evolved", fmt::format("parameters {} at {} times", to_string(theta.shape), count));
  const double* first = times.data<double>();
  const std::int64_t after = std::upper_bound(first, first + count, t) - first;
  if (after == 0) return values_of(net, parameters(0), x);
  const std::int64_t before = after - 1;
  const double share = after == count ? 0 : (t - first[before]) / (first[after] - first[before]);
  Tensor u = values_of(net, parameters(before), x);
  if (share == 0) return u;
  const Tensor next = values_of(net, parameters(after), x);
  double* to = u.mutable_data<double>();
  for (std::int64_t i = 0; i < u.size(); ++i) to[i] += share * (next.at(i) - to[i]);
  return u;
}

}  // namespace lowtide
