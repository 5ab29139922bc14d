// Dense factorizations of matrices in f32 and f64. LAPACK never sees a NaN or an Inf (one Inf makes
// gesdd and gesvd of OpenBLAS hang), and matrices near the ends of the range are scaled by a power
// of two first. Empty matrices are fine.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <string_view>

namespace lowtide {

// A (m,n) = Q (m,k) R (k,n), k = min(m,n). R has no negative diagonal entry, which makes Q unique.
struct Qr {
  Tensor q, r;
};
Qr qr(const Tensor& a);

// Lower L with A = L L^T. Reads the lower triangle.
Tensor cholesky(const Tensor& a);
// X with L L^T X = B, for B (n) or (n,k).
Tensor solve_cholesky(const Tensor& l, const Tensor& b);

// A symmetric = vectors diag(values) vectors^T, values ascending, one vector a column. Reads the lower
// triangle.
struct Eigen {
  Tensor values, vectors;
};
Eigen eigh(const Tensor& a);

// A (m,n) = U (m,k) diag(s) Vt (k,n), k = min(m,n), s descending.
struct Svd {
  Tensor u, s, vt;
  std::string_view method;  // "gesdd", or what came to its help: "gesvd", "jacobi"
};
Svd svd(const Tensor& a);

// The x of smallest norm that minimizes |A x - b|, for b (m) or (m,k). Singular values below
// max(m,n) eps s_1 count as zero, as in NumPy.
Tensor least_squares(const Tensor& a, const Tensor& b);

}  // namespace lowtide
