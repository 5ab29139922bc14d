// Neural implicit flow (Pan, Brunton, Kutz 2023): ParameterNet maps (t, mu) through a linear bottleneck to all
// weights and biases of ShapeNet, a network in x. Both add a layer's input to its output where widths agree.
#pragma once
#include <lowtide/models/frame.h>
#include <lowtide/models/mlp.h>

namespace lowtide {

struct Nif {
  std::int64_t in = 1, out = 1;
  std::int64_t width = 30, hidden = 2;              // of ShapeNet: `hidden` layers width to width
  std::int64_t hyper_width = 30, hyper_hidden = 2;  // of ParameterNet
  std::int64_t latent = 2;
  std::int64_t mu = 0;  // parameters beside time
  Activation activation = Activation::silu;

  Mlp shape_net() const;      // coefficients() = hidden width^2 + (in + out + 1 + hidden) width + out
  Mlp parameter_net() const;  // as far as the latent vector; one linear layer follows
  std::int64_t coefficients() const { return shape_net().parameter_count(); }
  std::size_t field_tensors() const { return 0; }
  std::int64_t parameter_count() const {
    return parameter_net().parameter_count() + (latent + 1) * coefficients();
  }
  double flops(double points) const { return shape_net().flops(points); }

  // ParameterNet's, then the last layer's: normal of deviation 0.1, cut off at twice that.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  Var latent_at_times(std::span<const Var> parameters, const Var& t) const;  // (k,1+p) -> (k,latent)
  Var coefficients_at_times(std::span<const Var> parameters, const Var& t) const;
  Var coefficients_at(std::span<const Var> parameters, const Var& t) const;
  // The parameters act through s alone.
  Var operator()(std::span<const Var>, const Var& x, const Var& s) const {
    const Mlp net = shape_net();
    return net(net.from_vector(s), x);
  }
};

}  // namespace lowtide
