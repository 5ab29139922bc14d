#include <lowtide/linalg/error.h>
#include <lowtide/models/mlp.h>

#include <cmath>

namespace lowtide {

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
    parameters.push_back(stream.child("W", l).uniform({widths[l], widths[l + 1]}, dtype, -bound, bound));
    parameters.push_back(stream.child("b", l).uniform({widths[l + 1]}, dtype, -bias, bias));
  }
  return parameters;
}

Var Mlp::operator()(std::span<const Var> parameters, const Var& x) const {
  if (parameters.size() != parameter_tensors()) fail<ShapeError>("mlp", "a wrong number of parameter tensors");
  Var z = x;
  for (std::size_t l = 0; l < layers(); ++l) {
    const bool last = l + 1 == layers();
    z = affine(z, parameters[2 * l], parameters[2 * l + 1], last ? Activation::none : activation,
               last ? 1 : frequency);
  }
  return z;
}

}  // namespace lowtide
