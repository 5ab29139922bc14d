// A SIREN in x whose layers are shifted by functions of (t, mu) from a low-dimensional latent vector:
//   z_l = sin(f (z_(l-1) W_l + b_l + beta_l)),  beta = latent(t, mu) A + a
// (Dupont et al., From data to functa, 2022, with a network in t in place of the fitted vectors).
#pragma once
#include <lowtide/models/frame.h>
#include <lowtide/models/mlp.h>

namespace lowtide {

struct SirenShift {
  std::int64_t in = 1, out = 1, width = 128;
  std::int64_t depth = 5;  // layers; the last one is not shifted
  std::int64_t latent = 16;
  std::int64_t hyper_width = 64, hyper_depth = 4;  // layers up to the shifts
  std::int64_t mu = 0;                             // parameters beside time
  double frequency = 30;

  Mlp siren() const { return dense(in, width, depth, out, Activation::sin, frequency); }
  Mlp hyper() const;
  std::int64_t coefficients() const { return (depth - 1) * width; }
  std::size_t field_tensors() const { return siren().parameter_tensors(); }
  std::int64_t parameter_count() const { return siren().parameter_count() + hyper().parameter_count(); }
  double flops(double points) const { return siren().flops(points); }

  // The SIREN's, then the hypernetwork's.
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  // The shifts beta_1, beta_2, ... in one vector.
  Var coefficients_at(std::span<const Var> parameters, const Var& t) const;
  Var coefficients_at_times(std::span<const Var> parameters, const Var& t) const;
  Var operator()(std::span<const Var> parameters, const Var& x, const Var& s) const;
};

}  // namespace lowtide
