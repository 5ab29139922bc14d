// Products, norms and exact scalings of plain tensors, for the solvers above them.
#pragma once
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/tensor.h>

namespace lowtide {

using blas::Trans;

// op(A) op(B) of matrices; a vector (n) stands for the column (n,1) and the product is then a vector.
Tensor multiply(const Tensor& a, const Tensor& b, Trans ta = Trans::no, Trans tb = Trans::no);

double dot(const Tensor& a, const Tensor& b);  // accumulated in f64
double norm(const Tensor& a);                  // Frobenius, in f64; neither overflows nor underflows on the way

// a = 2^exponent value with the largest entry of value near 1, so that products of entries are in range.
// The exponent is even. Most tensors are in range as they are and are shared.
struct Scaled {
  Tensor value;
  int exponent = 0;
};
Scaled scaled_to_one(const Tensor& a);
// 2^exponent a; throws NonFiniteError naming `op` if that is beyond the dtype.
Tensor rescaled(const char* op, Tensor a, int exponent);

// Guards that name the operation. A matrix is of rank 2 with extents below 2^31.
void require_matrix(const char* op, const Tensor& a);
void require_square(const char* op, const Tensor& a);
void require_finite(const char* op, const Tensor& a);
void require_same_dtype(const char* op, const Tensor& a, const Tensor& b);

}  // namespace lowtide
