// One-sided Jacobi singular values: slower than LAPACK, but it cannot fail to converge in practice,
// and small singular values of a matrix with badly scaled columns keep their relative accuracy.
// Hestenes 1958; Demmel and Veselic, Jacobi's method is more accurate than QR, 1992.
#pragma once
#include <lowtide/linalg/lapack.h>

namespace lowtide {

Svd svd_jacobi(const Tensor& a);

}  // namespace lowtide
