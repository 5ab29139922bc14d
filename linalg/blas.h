// The BLAS routines that lowtide uses, for float and double, row-major. OpenBLAS runs on one
// thread from the moment the library is loaded: with more it would neither share the cores with
// the tiles nor give the same bits twice.
#pragma once
#include <cstdint>

namespace lowtide::blas {

enum class Trans : bool { no, yes };

// C (m,n) = alpha op(A) (m,k) op(B) (k,n) + beta C. A leading dimension is the length of a stored row.
template <class T>
void gemm(Trans ta, Trans tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);
// y = alpha op(A) x + beta y, with A stored (m,n).
template <class T>
void gemv(Trans ta, std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda, const T* x, T beta,
          T* y);
// A (m,n) += alpha x yT
template <class T>
void ger(std::int64_t m, std::int64_t n, T alpha, const T* x, const T* y, T* a, std::int64_t lda);
template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y);
template <class T>
T dot(std::int64_t n, const T* x, const T* y);
template <class T>
void scal(std::int64_t n, T alpha, T* x);
template <class T>
T nrm2(std::int64_t n, const T* x);
// B (m,n) = op(L)^-1 B with L (m,m) lower triangular.
template <class T>
void solve_lower(Trans tl, std::int64_t m, std::int64_t n, const T* l, std::int64_t ldl, T* b,
                 std::int64_t ldb);

const char* core_name();  // "SkylakeX": the kernels that OpenBLAS picked

}  // namespace lowtide::blas
