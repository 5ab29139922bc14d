// The derivative of a field by its parameters at many points, J (n c, p), without its matrix: one Linearization
// for each tile of points. Tiles are built and applied in parallel and added in a fixed tree, so that products
// have the same bits on any number of threads.
#pragma once
#include <lowtide/autodiff/functions.h>
#include <lowtide/autodiff/tiles.h>

#include <functional>
#include <memory>
#include <span>

namespace lowtide {

// A field that depends on parameters: u(theta; x), (n,d) -> (n,c).
struct ParametricField {
  std::function<Var(std::span<const Var> parameters, const Var& x)> at{};
  Tensors like{};  // tensors of the shapes of the parameters

  std::int64_t parameter_count() const;
  Tensors parameters(const Tensor& theta, Dtype dtype) const;  // from one vector
};

class TiledJacobian {
 public:
  // theta (p) and x (n,d) are cast to `dtype`, in which the field and the products are computed.
  TiledJacobian(const ParametricField& field, const Tensor& theta, const Tensor& x, Dtype dtype = Dtype::f32,
                std::int64_t per_tile = 250);

  std::int64_t points() const { return tiles_.points; }
  std::int64_t fields() const { return value_.shape[1]; }
  std::int64_t parameter_count() const { return count_; }
  Dtype dtype() const { return value_.dtype; }

  const Tensor& value() const { return value_; }    // u, (n,c)
  Tensor push(const Tensor& theta_dot) const;       // J v, (p) -> (n,c)
  Tensor pull(const Tensor& weights) const;         // JT w, (n,c) -> (p)
  Tensor pull_push(const Tensor& theta_dot) const;  // JT J v, one tile after the other while it is in the cache

  // M = JT J / n. It refers to this object.
  LinOp gram() const;

 private:
  Tiles tiles_;
  Tensors like_;
  std::int64_t count_ = 0;
  std::vector<std::unique_ptr<Linearization>> linear_;
  Tensor value_;
};

// J (n c, p) as a matrix, for comparison: a pull for each of its rows, on the tape of that point alone.
Tensor dense_jacobian(const ParametricField& field, const Tensor& theta, const Tensor& x,
                      Dtype dtype = Dtype::f64);

}  // namespace lowtide
