#include <lowtide/linalg/error.h>
#include <lowtide/models/nif.h>

#include <cmath>

namespace lowtide {
namespace {

Tensor truncated_normal(const Stream& stream, const Shape& shape, Dtype dtype, double deviation) {
  Tensor a(shape, Dtype::f64);
  std::uint64_t i = 0;
  for (double& x : a.mutable_view<double>()) {
    do x = stream.normal(i++);
    while (std::abs(x) > 2);
    x *= deviation;
  }
  return a.cast(dtype);
}

}  // namespace

Mlp Nif::shape_net() const {
  Mlp net = dense(in, width, hidden + 2, out, activation);
  net.residual = true;
  return net;
}

Mlp Nif::parameter_net() const {
  Mlp net = dense(1 + mu, hyper_width, hyper_hidden + 2, latent, activation);
  net.residual = true;
  return net;
}

Tensors Nif::init(const Stream& stream, Dtype dtype) const {
  if (hidden < 0 || hyper_hidden < 0) fail<ShapeError>("nif", "numbers of hidden layers must not be negative");
  const Mlp net = parameter_net();
  Tensors parameters;
  for (std::size_t l = 0; l <= net.layers(); ++l) {
    const bool head = l == net.layers();
    const std::int64_t from = net.widths[l], to = head ? coefficients() : net.widths[l + 1];
    parameters.push_back(truncated_normal(stream.child("W", l), {from, to}, dtype, 0.1));
    parameters.push_back(truncated_normal(stream.child("b", l), {to}, dtype, 0.1));
  }
  return parameters;
}

Var Nif::latent_at_times(std::span<const Var> parameters, const Var& t) const {
  const Mlp net = parameter_net();
  if (parameters.size() != net.parameter_tensors() + 2)
    fail<ShapeError>("nif", "a wrong number of parameter tensors");
  return net(parameters.first(net.parameter_tensors()), t);
}

Var Nif::coefficients_at_times(std::span<const Var> parameters, const Var& t) const {
  return affine(latent_at_times(parameters, t), parameters[parameters.size() - 2], parameters.back());
}

Var Nif::coefficients_at(std::span<const Var> parameters, const Var& t) const {
  return reshape(coefficients_at_times(parameters, t), {coefficients()});
}

}  // namespace lowtide
