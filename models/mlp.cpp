#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/models/mlp.h>

#include <cmath>

namespace lowtide {

const WeightForm& Mlp::form(std::size_t layer) const {
  static const WeightForm dense;
  return forms.empty() ? dense : forms.at(layer);
}

PoolVector<Shape> Mlp::shapes() const {
  PoolVector<Shape> all;
  for (std::size_t l = 0; l < layers(); ++l) {
    for (const Shape& shape : form(l).shapes(widths[l], widths[l + 1])) all.push_back(shape);
    all.push_back({widths[l + 1]});
  }
  return all;
}

std::size_t Mlp::parameter_tensors() const {
  std::size_t count = 2 * layers();
  for (const WeightForm& f : forms) count += f.tensors() - 1;
  return count;
}

Tensors Mlp::init(const Stream& stream, Dtype dtype) const {
  if (widths.size() < 2) fail<ShapeError>("mlp", "needs the widths of an input and an output at least");
  Tensors parameters;
  for (std::size_t l = 0; l < layers(); ++l) {
    const auto in = static_cast<double>(widths[l]), out = static_cast<double>(widths[l + 1]);
    double bound = std::sqrt(6 / (in + out)), bias = 0;
    if (activation == Activation::sin) {
      bound = l == 0 ? 1 / in : std::sqrt(6 / in) / frequency;
      bias = 1 / std::sqrt(in);
    }
    const Tensor w = stream.child("W", l).uniform({widths[l], widths[l + 1]}, dtype, -bound, bound);
    for (Tensor& part : parameters_for(form(l), w, stream)) parameters.push_back(std::move(part));
    parameters.push_back(stream.child("b", l).uniform({widths[l + 1]}, dtype, -bias, bias));
  }
  return parameters;
}

Var Mlp::operator()(std::span<const Var> parameters, const Var& x) const {
  if (parameters.size() != parameter_tensors()) fail<ShapeError>("mlp", "a wrong number of parameter tensors");
  Var z = x;
  std::size_t at = 0;
  for (std::size_t l = 0; l < layers(); ++l) {
    const bool last = l + 1 == layers();
    const WeightForm& f = form(l);
    const std::span<const Var> weight = parameters.subspan(at, f.tensors());
    const Var& bias = parameters[at + f.tensors()];
    const Activation ends_with = last ? Activation::none : activation;
    const double factor = last ? 1 : frequency;
    at += f.tensors() + 1;
    Var y;
    if (f.kind == WeightForm::Kind::dense) {
      y = affine(z, weight[0], bias, ends_with, factor);
    } else {
      y = times_weight(z, f, weight, widths[l + 1]) + bias;
      y = activate(ends_with, factor == 1 ? y : y * factor);
    }
    z = residual && l > 0 && !last && widths[l] == widths[l + 1] ? y + z : y;
  }
  return z;
}

std::int64_t Mlp::parameter_count() const {
  std::int64_t count = 0;
  for (std::size_t l = 0; l < layers(); ++l) count += form(l).entries(widths[l], widths[l + 1]) + widths[l + 1];
  return count;
}

double Mlp::flops(double points) const {
  double total = 0;
  for (std::size_t l = 0; l < layers(); ++l)
    total += (l == 0 ? 4 : 6) * points * form(l).products(widths[l], widths[l + 1]);
  return total;
}

Vars Mlp::from_vector(const Var& flat) const {
  if (flat.shape() != Shape({parameter_count()}))
    fail<ShapeError>("mlp", fmt::format("{} parameters, but a vector of shape {}", parameter_count(),
                                        to_string(flat.shape())));
  Vars parameters;
  std::int64_t at = 0;
  for (const Shape& shape : shapes()) {
    const Var part = slice(flat, 0, at, at + shape.size());
    parameters.push_back(shape.rank() == 1 ? part : reshape(part, shape));
    at += shape.size();
  }
  return parameters;
}

Mlp dense(std::int64_t in, std::int64_t width, std::int64_t depth, std::int64_t out, Activation activation,
          double frequency) {
  if (in < 1 || width < 1 || depth < 1 || out < 1)
    fail<ShapeError>("mlp",
                     fmt::format("no network has in {}, width {}, depth {}, out {}", in, width, depth, out));
  std::vector<std::int64_t> widths(static_cast<std::size_t>(depth + 1), width);
  widths.front() = in;
  widths.back() = out;
  return {std::move(widths), activation, frequency};
}

Tensors torch_init(const Mlp& net, const Stream& stream, Dtype dtype) {
  Tensors parameters;
  for (std::size_t l = 0; l < net.layers(); ++l) {
    const double bound = 1 / std::sqrt(static_cast<double>(net.widths[l]));
    parameters.push_back(
        stream.child("W", l).uniform({net.widths[l], net.widths[l + 1]}, dtype, -bound, bound));
    parameters.push_back(stream.child("b", l).uniform({net.widths[l + 1]}, dtype, -bound, bound));
  }
  return parameters;
}

}  // namespace lowtide
