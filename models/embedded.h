// Networks of space alone that start from sines and cosines of their inputs, for initial-value problems
// (Finzi et al., A stable and scalable method for solving initial value PDEs with neural networks, 2023), and
// such a network whose parameters are known at several times.
#pragma once
#include <lowtide/models/mlp.h>

#include <span>

namespace lowtide {

// On [-1,1]^d. For each output a network of its own:
//   gamma(x) = size [sin(w_k x_i) / w_k^decay, cos(w_k x_i) / w_k^decay], w_k = (pi/2) 2^k, k < bands, all i
// then `depth` - 1 layers of `width` with silu, then a linear one, times prod (1 - x_i^2) with walls.
struct Embedded {
  std::int64_t in = 1, out = 1, width = 64;
  std::int64_t depth = 4;  // layers
  std::int64_t bands = 3;
  double decay = 1, size = 6;
  bool walls = true;

  Mlp layers() const;  // of one output, from gamma on
  std::int64_t parameter_count() const;
  std::size_t parameter_tensors() const;
  double flops(double points) const;  // forward and backward
  // W1, b1, W2, ... of the first output, then those of the second, ...
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  Var operator()(std::span<const Var> parameters, const Var& x) const;  // (n,d) -> (n,c)

  Var embedding(const Var& x) const;  // gamma, (n,d) -> (n, 2 d bands)
  Var boundary(const Var& x) const;   // prod (1 - x_i^2), (n,d) -> (n,1)
  // What the last layers combine linearly, without the constant: for each output (n,width), f64, with the
  // factor of the walls. Parallel over tiles.
  Tensors features(const Tensors& parameters, const Tensor& x) const;
};

// The values at many points, (n,d) -> (n,c), in f64 for parameters and points of any dtype; in parallel.
Tensor values_of(const Embedded& net, const Tensors& parameters, const Tensor& x);

// The field between two times is between the fields, linearly; outside it is that of the nearest end.
struct Evolved {
  Embedded net{};
  Tensor times{};  // (T), rising, f64
  Tensor theta{};  // (T,p), f64: the parameters, flat

  Tensor at(const Tensor& x, double t) const;   // (n,d) -> (n,c), f64; parallel over tiles
  Tensors parameters(std::int64_t time) const;  // of one of the times, in f64
};

}  // namespace lowtide
