#include <lowtide/linalg/error.h>
#include <lowtide/models/siren_shift.h>

#include <cmath>

namespace lowtide {

Mlp SirenShift::hyper() const {
  Mlp net = dense(1 + mu, hyper_width, hyper_depth, coefficients(), Activation::tanh);
  net.widths[net.widths.size() - 2] = latent;
  return net;
}

Tensors SirenShift::init(const Stream& stream, Dtype dtype) const {
  if (depth < 2 || hyper_depth < 2) fail<ShapeError>("siren_shift", "depths must be at least 2");
  Tensors parameters = siren().init(stream, dtype);
  const Stream own = stream.child("hyper");
  Tensors net = torch_init(hyper(), own, dtype);
  // Shifts start within a radian or so.
  const double bound = 1 / (std::sqrt(static_cast<double>(latent)) * frequency);
  net[net.size() - 2] = own.child("shifts").uniform(net[net.size() - 2].shape, dtype, -bound, bound);
  net.back() = zeros(net.back().shape, dtype);
  for (Tensor& p : net) parameters.push_back(std::move(p));
  return parameters;
}

Var SirenShift::coefficients_at_times(std::span<const Var> parameters, const Var& t) const {
  return hyper()(parameters.subspan(siren().parameter_tensors()), t);
}

Var SirenShift::coefficients_at(std::span<const Var> parameters, const Var& t) const {
  return reshape(coefficients_at_times(parameters, t), {coefficients()});
}

Var SirenShift::operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
  const Mlp net = siren();
  if (parameters.size() < net.parameter_tensors() || s.shape() != Shape({coefficients()}))
    fail<ShapeError>("siren_shift", "parameters or shifts are not the model's");
  Vars shifted(parameters.begin(), parameters.begin() + static_cast<std::ptrdiff_t>(net.parameter_tensors()));
  for (std::int64_t l = 0; l + 1 < depth; ++l) {
    Var& b = shifted[static_cast<std::size_t>(2 * l + 1)];
    b = b + slice(s, 0, l * width, (l + 1) * width);
  }
  return net(shifted, x);
}

}  // namespace lowtide
