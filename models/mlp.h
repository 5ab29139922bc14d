// Dense networks: layers x W + b with an activation between them. With sin and frequency 30 this is
// a SIREN (Sitzmann et al. 2020).
#pragma once
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

#include <span>
#include <vector>

namespace lowtide {

struct Mlp {
  std::vector<std::int64_t> widths;  // of the input, the hidden layers and the output
  Activation activation = Activation::tanh;
  double frequency = 1;  // multiplies what goes into each activation

  std::size_t layers() const { return widths.size() - 1; }
  std::size_t parameter_tensors() const { return 2 * layers(); }

  // W1, b1, W2, b2, ...; Glorot's uniform distribution, or SIREN's own for sin.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  // Rows of x are points.
  Var operator()(std::span<const Var> parameters, const Var& x) const;
};

}  // namespace lowtide
