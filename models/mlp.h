// Dense networks: layers x W + b with an activation between them. With sin and frequency 30 this is
// a SIREN (Sitzmann et al. 2020). Weights may be stored in other forms.
#pragma once
#include <lowtide/models/weight_form.h>

namespace lowtide {

struct Mlp {
  std::vector<std::int64_t> widths;  // of the input, the hidden layers and the output
  Activation activation = Activation::tanh;
  double frequency = 1;             // multiplies what goes into each activation
  bool residual = false;            // a layer between equal widths adds its input to its output
  std::vector<WeightForm> forms{};  // of the weight of each layer; none: all are dense

  std::size_t layers() const { return widths.size() - 1; }
  const WeightForm& form(std::size_t layer) const;
  PoolVector<Shape> shapes() const;  // of W1, b1, W2, b2, ..., or what stands for a W
  std::size_t parameter_tensors() const;
  std::int64_t parameter_count() const;
  // Forward and backward: the input needs no cotangent.
  double flops(double points) const;

  // Glorot's uniform distribution, or SIREN's own for sin, and the form's nearest parameters to that.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  // Rows of x are points.
  Var operator()(std::span<const Var> parameters, const Var& x) const;
  // W1, b1, W2, ... from one vector in which they stand one after the other.
  Vars from_vector(const Var& flat) const;
};

// `depth` layers from `in` to `out`, hidden ones of one width.
Mlp dense(std::int64_t in, std::int64_t width, std::int64_t depth, std::int64_t out,
          Activation activation = Activation::tanh, double frequency = 1);

// Weights and biases uniform in +-1/sqrt(width of the input), as PyTorch initializes its linear layers.
Tensors torch_init(const Mlp& net, const Stream& stream, Dtype dtype);

}  // namespace lowtide
