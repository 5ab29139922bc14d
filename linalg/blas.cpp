#include <cblas.h>
#include <fmt/format.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/cpu.h>
#include <lowtide/linalg/dtype.h>
#include <lowtide/linalg/error.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <type_traits>

// OpenBLAS's own choice of kernels, which it makes when it is loaded. Exported, though in no header; absent
// from builds for one processor.
extern "C" {
__attribute__((weak)) void gotoblas_dynamic_init();
__attribute__((weak)) void gotoblas_dynamic_quit();
}

namespace lowtide::blas {
namespace {

// An OpenBLAS does not know processors that are newer than itself, nor what a virtual machine hides, and falls
// back to kernels for SSE: a fifth of the speed. The features of the processor tell better.
void choose_kernels() {
  constexpr std::string_view old[] = {"Katmai", "Coppermine", "Northwood", "Prescott",   "Banias",
                                      "Atom",   "Core2",      "Penryn",    "Dunnington", "Nehalem",
                                      "Athlon", "Opteron",    "Bobcat",    "Barcelona",  "Opteron_SSE3",
                                      "Nano",   "Sandybridge"};
  if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit || std::getenv("OPENBLAS_CORETYPE")) return;
  if (simd_level() == SimdLevel::base || std::ranges::find(old, openblas_get_corename()) == std::end(old))
    return;
  setenv("OPENBLAS_CORETYPE", simd_level() == SimdLevel::v4 ? "SkylakeX" : "Haswell", 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}

// Runs when the library is loaded, hence before any routine below.
const bool ready = [] {
  choose_kernels();
  openblas_set_num_threads(1);
  if (openblas_get_parallel() == OPENBLAS_OPENMP)
    std::fputs(
        "[blas] this OpenBLAS is of the OpenMP flavour, which may go back to many threads: "
        "install libopenblas0-pthread\n",
        stderr);
  return true;
}();

int as_int(std::int64_t n) {
  if (n > std::numeric_limits<int>::max())
    fail<ShapeError>("blas", fmt::format("an extent of {} is beyond the 2^31 of this BLAS", n));
  return static_cast<int>(n);
}

CBLAS_TRANSPOSE flag(Trans t) { return t == Trans::yes ? CblasTrans : CblasNoTrans; }

}  // namespace

template <class T>
void gemm(Trans ta, Trans tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  // Vectors go their own way: the packing of a product would cost more than the product. A rank-one
  // product that overwrites C is written in one pass.
  const bool column_a = ta == Trans::yes || lda == 1, row_b = tb == Trans::no || ldb == 1;
  if (n == 1 && ldc == 1 && (tb == Trans::yes || ldb == 1))
    return gemv(ta, ta == Trans::no ? m : k, ta == Trans::no ? k : m, alpha, a, lda, b, beta, c);
  if (m == 1 && (ta == Trans::no || lda == 1))
    return gemv(tb == Trans::no ? Trans::yes : Trans::no, tb == Trans::no ? k : n, tb == Trans::no ? n : k,
                alpha, b, ldb, a, beta, c);
  if (k == 1 && row_b && column_a && (beta == T{0} || beta == T{1})) {
    if (beta == T{0})
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) c[i * ldc + j] = alpha * a[i] * b[j];
    else
      ger(m, n, alpha, a, b, c, ldc);
    return;
  }
  // A leading dimension of zero is refused by CBLAS even where nothing is read.
  pick<T>(cblas_sgemm, cblas_dgemm)(CblasRowMajor, flag(ta), flag(tb), as_int(m), as_int(n), as_int(k), alpha,
                                    a, std::max(1, as_int(lda)), b, std::max(1, as_int(ldb)), beta, c,
                                    as_int(ldc));
}

template <class T>
void gemv(Trans ta, std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda, const T* x, T beta,
          T* y) {
  const std::int64_t length = ta == Trans::yes ? n : m;
  if (length == 0) return;
  if (m == 0 || n == 0) {  // CBLAS returns without applying beta
    for (std::int64_t i = 0; i < length; ++i) y[i] = beta == T{0} ? T{0} : beta * y[i];
    return;
  }
  pick<T>(cblas_sgemv, cblas_dgemv)(CblasRowMajor, flag(ta), as_int(m), as_int(n), alpha, a, as_int(lda), x, 1,
                                    beta, y, 1);
}

template <class T>
void ger(std::int64_t m, std::int64_t n, T alpha, const T* x, const T* y, T* a, std::int64_t lda) {
  if (m == 0 || n == 0) return;
  pick<T>(cblas_sger, cblas_dger)(CblasRowMajor, as_int(m), as_int(n), alpha, x, 1, y, 1, a, as_int(lda));
}

template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  pick<T>(cblas_saxpy, cblas_daxpy)(as_int(n), alpha, x, 1, y, 1);
}

template <class T>
T dot(std::int64_t n, const T* x, const T* y) {
  return pick<T>(cblas_sdot, cblas_ddot)(as_int(n), x, 1, y, 1);
}

template <class T>
void scal(std::int64_t n, T alpha, T* x) {
  pick<T>(cblas_sscal, cblas_dscal)(as_int(n), alpha, x, 1);
}

template <class T>
T nrm2(std::int64_t n, const T* x) {
  return pick<T>(cblas_snrm2, cblas_dnrm2)(as_int(n), x, 1);
}

template <class T>
void solve_lower(Trans tl, std::int64_t m, std::int64_t n, const T* l, std::int64_t ldl, T* b,
                 std::int64_t ldb) {
  if (m == 0 || n == 0) return;
  pick<T>(cblas_strsm, cblas_dtrsm)(CblasRowMajor, CblasLeft, CblasLower, flag(tl), CblasNonUnit, as_int(m),
                                    as_int(n), T{1}, l, as_int(ldl), b, as_int(ldb));
}

#define LOWTIDE_INSTANTIATE(T)                                                                             \
  template void gemm<T>(Trans, Trans, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t, \
                        const T*, std::int64_t, T, T*, std::int64_t);                                      \
  template void gemv<T>(Trans, std::int64_t, std::int64_t, T, const T*, std::int64_t, const T*, T, T*);    \
  template void ger<T>(std::int64_t, std::int64_t, T, const T*, const T*, T*, std::int64_t);               \
  template void axpy<T>(std::int64_t, T, const T*, T*);                                                    \
  template T dot<T>(std::int64_t, const T*, const T*);                                                     \
  template void scal<T>(std::int64_t, T, T*);                                                              \
  template T nrm2<T>(std::int64_t, const T*);                                                              \
  template void solve_lower<T>(Trans, std::int64_t, std::int64_t, const T*, std::int64_t, T*, std::int64_t);
LOWTIDE_INSTANTIATE(float)
LOWTIDE_INSTANTIATE(double)

const char* core_name() { return openblas_get_corename(); }

}  // namespace lowtide::blas
