// A SIREN in x, all of whose weights and biases come from a hypernetwork in (t, mu) (Sitzmann et al. 2020;
// the baseline of LRNR, 4.3.2). The defaults are the paper's: 789,505 coefficients, 203 million parameters.
#pragma once
#include <lowtide/models/frame.h>
#include <lowtide/models/mlp.h>

namespace lowtide {

struct SirenHyper {
  std::int64_t in = 1, out = 1, width = 512;
  std::int64_t depth = 5;  // layers
  std::int64_t hyper_width = 256, hyper_depth = 5;
  std::int64_t mu = 0;  // parameters beside time
  double frequency = 30;
  double variation = 0.1;  // in t, of the weights that it starts with, relative to their size

  Mlp siren() const { return dense(in, width, depth, out, Activation::sin, frequency); }
  Mlp hyper() const {
    return dense(1 + mu, hyper_width, hyper_depth, siren().parameter_count(), Activation::relu);
  }
  std::int64_t coefficients() const { return siren().parameter_count(); }
  std::size_t field_tensors() const { return 0; }
  std::int64_t parameter_count() const { return hyper().parameter_count(); }
  double flops(double points) const { return siren().flops(points); }

  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  Var coefficients_at_times(std::span<const Var> parameters, const Var& t) const {
    return hyper()(parameters, t);
  }
  Var coefficients_at(std::span<const Var> parameters, const Var& t) const {
    return reshape(hyper()(parameters, t), {coefficients()});
  }
  // The parameters act through s alone.
  Var operator()(std::span<const Var>, const Var& x, const Var& s) const {
    const Mlp net = siren();
    return net(net.from_vector(s), x);
  }
};

}  // namespace lowtide
