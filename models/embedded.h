// Networks of space alone that start from sines and cosines of their inputs, for initial-value problems
// (Finzi et al., A stable and scalable method for solving initial value PDEs with neural networks, 2023), and
// such a network whose parameters are known at several times.
#pragma once
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

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

  std::int64_t parameter_count() const;
  std::size_t parameter_tensors() const;
  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const;
  Var operator()(std::span<const Var> parameters, const Var& x) const;  // (n,d) -> (n,c)
};

// The field between two times is between the fields, linearly; outside it is that of the nearest end.
struct Evolved {
  Embedded net{};
  Tensor times{};  // (T), rising, f64
  Tensor theta{};  // (T,p), f64: the parameters, flat

  Tensor at(const Tensor& x, double t) const;  // (n,d) -> (n,c), f64; parallel over tiles
};

}  // namespace lowtide
