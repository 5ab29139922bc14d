// Matrices that are known by what they do to a vector.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <functional>

namespace lowtide {

// apply maps (cols) to (rows), apply_transposed back; the latter may be missing where nobody asks for it.
// With takes_blocks they also map (cols,k) to (rows,k), column by column. Call them through times().
struct LinOp {
  using Map = std::function<Tensor(const Tensor&)>;

  std::int64_t rows = 0, cols = 0;
  Dtype dtype = Dtype::f64;
  Map apply = {}, apply_transposed = {};
  bool takes_blocks = false;

  explicit operator bool() const { return static_cast<bool>(apply); }
};

// A x and A^T x, for x a vector or a block of columns: checked on the way in and on the way out.
Tensor times(const LinOp& A, const Tensor& x);
Tensor times_transposed(const LinOp& A, const Tensor& x);

LinOp matrix_op(const Tensor& a);
LinOp symmetric_op(std::int64_t n, Dtype dtype, const LinOp::Map& apply);
LinOp identity_op(std::int64_t n, Dtype dtype);

LinOp scaled(const LinOp& A, double factor);
LinOp sum(const LinOp& A, const LinOp& B);
LinOp shifted(const LinOp& A, double mu);  // A + mu I
LinOp product(const LinOp& A, const LinOp& B);
LinOp transposed(const LinOp& A);
LinOp cast(const LinOp& A, Dtype dtype);  // works in its own dtype, is seen in another

}  // namespace lowtide
