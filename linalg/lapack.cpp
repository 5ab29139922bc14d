#include <fmt/format.h>
#include <lapacke.h>
#include <lowtide/linalg/jacobi.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

// LAPACK stores by columns: what it sees of a row-major matrix is the transpose. So R^T Q^T = A^T is
// asked of it for A = Q R, the upper Cholesky factor for the lower one, and V S U^T for U S V^T, and
// nothing is ever copied around.

namespace lowtide {
namespace {

lapack_int as_int(std::int64_t n) { return static_cast<lapack_int>(n); }  // require_matrix() saw to it

// Passes info on if it is a verdict about the matrix.
int checked(const char* op, const char* routine, int info, const Tensor& a) {
  if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR) throw std::bad_alloc();
  if (info < 0)
    fail<SolverError>(op, fmt::format("LAPACK's {} refused its argument {} for {} {}: a bug in lowtide",
                                      routine, -info, name_of(a.dtype), to_string(a.shape)));
  return info;
}

// Divide and conquer needs a few k^2 numbers of workspace, which LAPACK counts in 32 bits.
void require_workspace(const char* op, const Tensor& a) {
  constexpr std::int64_t most = 20000;
  if (std::min(a.shape[0], a.shape[1]) > most)
    fail<ShapeError>(op,
                     fmt::format("{} is too large: the shorter side may have {}", to_string(a.shape), most));
}

std::int64_t thin(const Tensor& a) { return std::min(a.shape[0], a.shape[1]); }

template <class T>
using SvdRoutine = int (*)(std::int64_t m, std::int64_t n, T* a, T* u, T* s, T* vt);

template <class T>
int gesdd(std::int64_t m, std::int64_t n, T* a, T* u, T* s, T* vt) {
  const auto k = as_int(std::min(m, n));
  return pick<T>(LAPACKE_sgesdd, LAPACKE_dgesdd)(LAPACK_COL_MAJOR, 'S', as_int(n), as_int(m), a, as_int(n), s,
                                                 vt, as_int(n), u, k);
}

template <class T>
int gesvd(std::int64_t m, std::int64_t n, T* a, T* u, T* s, T* vt) {
  const auto k = as_int(std::min(m, n));
  std::vector<T> unconverged(static_cast<std::size_t>(k));
  return pick<T>(LAPACKE_sgesvd, LAPACKE_dgesvd)(LAPACK_COL_MAJOR, 'S', 'S', as_int(n), as_int(m), a, as_int(n),
                                                 s, vt, as_int(n), u, k, unconverged.data());
}

}  // namespace

Qr qr(const Tensor& a) {
  require_matrix("qr", a);
  require_finite("qr", a);
  const std::int64_t m = a.shape[0], n = a.shape[1], k = thin(a);
  Qr f{Tensor({m, k}, a.dtype), zeros({k, n}, a.dtype)};
  if (k == 0) return f;
  const Scaled scaled = scaled_to_one(a);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    Tensor work = scaled.value.clone();
    T *w = work.mutable_data<T>(), *q = f.q.mutable_data<T>(), *r = f.r.mutable_data<T>();
    std::vector<T> tau(static_cast<std::size_t>(k));
    checked("qr", "gelqf",
            pick<T>(LAPACKE_sgelqf, LAPACKE_dgelqf)(LAPACK_COL_MAJOR, as_int(n), as_int(m), w, as_int(n),
                                                    tau.data()),
            a);
    for (std::int64_t i = 0; i < k; ++i) std::copy(w + i * n + i, w + (i + 1) * n, r + i * n + i);
    for (std::int64_t i = 0; i < m; ++i) std::copy_n(w + i * n, k, q + i * k);
    checked("qr", "orglq",
            pick<T>(LAPACKE_sorglq, LAPACKE_dorglq)(LAPACK_COL_MAJOR, as_int(k), as_int(m), as_int(k), q,
                                                    as_int(k), tau.data()),
            a);
    for (std::int64_t i = 0; i < k; ++i) {
      if (!(r[i * n + i] < T{0})) continue;
      for (std::int64_t j = i; j < n; ++j) r[i * n + j] = -r[i * n + j];
      for (std::int64_t j = 0; j < m; ++j) q[j * k + i] = -q[j * k + i];
    }
  });
  f.r = rescaled("qr", f.r, scaled.exponent);
  return f;
}

Tensor cholesky(const Tensor& a) {
  require_square("cholesky", a);
  require_finite("cholesky", a);
  const std::int64_t n = a.shape[0];
  const Scaled scaled = scaled_to_one(a);
  Tensor l = scaled.value.clone();
  if (n == 0) return l;
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = l.mutable_data<T>();
    const int info =
        checked("cholesky", "potrf",
                pick<T>(LAPACKE_spotrf, LAPACKE_dpotrf)(LAPACK_COL_MAJOR, 'U', as_int(n), p, as_int(n)), a);
    if (info > 0)
      fail<SolverError>("cholesky", fmt::format("{} is not positive definite: pivot {}, counted from 0, is not "
                                                "above zero; a multiple of the identity may help",
                                                to_string(a.shape), info - 1));
    for (std::int64_t i = 0; i < n; ++i) std::fill(p + i * n + i + 1, p + (i + 1) * n, T{0});
  });
  return rescaled("cholesky", l, scaled.exponent / 2);  // the exponent is even
}

Tensor solve_cholesky(const Tensor& l, const Tensor& b) {
  require_square("solve_cholesky", l);
  require_same_dtype("solve_cholesky", l, b);
  const int rank = b.shape.rank();
  if ((rank != 1 && rank != 2) || b.shape[0] != l.shape[0])
    fail<ShapeError>("solve_cholesky",
                     fmt::format("right-hand side {} for a factor {}", to_string(b.shape), to_string(l.shape)));
  require_finite("solve_cholesky", l);
  require_finite("solve_cholesky", b);
  const std::int64_t n = l.shape[0], k = b.shape.row_size();
  // Scaled apart, so that neither half of the solution leaves the range unless the result does.
  const Scaled factor = scaled_to_one(l), right = scaled_to_one(b);
  Tensor x = right.value.clone();
  dispatch(l.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* p = factor.value.data<T>();
    for (std::int64_t i = 0; i < n; ++i)
      if (p[i * n + i] == T{0})
        fail<SolverError>("solve_cholesky",
                          fmt::format("factor {} has a zero at {} of its diagonal", to_string(l.shape), i));
    for (Trans t : {Trans::no, Trans::yes}) blas::solve_lower<T>(t, n, k, p, n, x.mutable_data<T>(), k);
  });
  return rescaled("solve_cholesky", x, right.exponent - 2 * factor.exponent);
}

Eigen eigh(const Tensor& a) {
  require_square("eigh", a);
  require_workspace("eigh", a);
  require_finite("eigh", a);
  const std::int64_t n = a.shape[0];
  const Scaled scaled = scaled_to_one(a);
  Eigen e{Tensor({n}, a.dtype), Tensor({n, n}, a.dtype)};
  if (n == 0) return e;
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    e.vectors = scaled.value.clone();
    T* w = e.values.mutable_data<T>();
    if (checked("eigh", "syevd",
                pick<T>(LAPACKE_ssyevd, LAPACKE_dsyevd)(LAPACK_COL_MAJOR, 'V', 'U', as_int(n),
                                                        e.vectors.mutable_data<T>(), as_int(n), w),
                a) == 0)
      return;
    e.vectors = scaled.value.clone();
    const int info = checked("eigh", "syev",
                             pick<T>(LAPACKE_ssyev, LAPACKE_dsyev)(LAPACK_COL_MAJOR, 'V', 'U', as_int(n),
                                                                   e.vectors.mutable_data<T>(), as_int(n), w),
                             a);
    if (info > 0)
      fail<SolverError>(
          "eigh", fmt::format("{} did not converge: {} off-diagonal entries left", to_string(a.shape), info));
  });
  e.values = rescaled("eigh", e.values, scaled.exponent);
  e.vectors = transposed(e.vectors);
  return e;
}

Svd svd(const Tensor& a) {
  require_matrix("svd", a);
  require_workspace("svd", a);
  require_finite("svd", a);
  const std::int64_t m = a.shape[0], n = a.shape[1], k = thin(a);
  Svd f{Tensor({m, k}, a.dtype), Tensor({k}, a.dtype), Tensor({k, n}, a.dtype), "gesdd"};
  if (k == 0) return f;
  const Scaled scaled = scaled_to_one(a);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    auto run = [&](const char* name, SvdRoutine<T> routine) {
      Tensor work = scaled.value.clone();
      f.method = name;
      return checked("svd", name,
                     routine(m, n, work.mutable_data<T>(), f.u.mutable_data<T>(), f.s.mutable_data<T>(),
                             f.vt.mutable_data<T>()),
                     a) == 0;
    };
    if (!run("gesdd", gesdd<T>) && !run("gesvd", gesvd<T>)) f = svd_jacobi(scaled.value);
  });
  f.s = rescaled("svd", f.s, scaled.exponent);
  return f;
}

Tensor least_squares(const Tensor& a, const Tensor& b) {
  require_matrix("least_squares", a);
  require_same_dtype("least_squares", a, b);
  const int rank = b.shape.rank();
  if ((rank != 1 && rank != 2) || b.shape[0] != a.shape[0])
    fail<ShapeError>("least_squares",
                     fmt::format("right-hand side {} for a matrix {}", to_string(b.shape), to_string(a.shape)));
  require_finite("least_squares", a);
  require_finite("least_squares", b);
  const Scaled matrix = scaled_to_one(a), right = scaled_to_one(b);
  const Svd f = svd(matrix.value);
  Tensor c = multiply(f.u, right.value, Trans::yes);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* s = f.s.data<T>();
    const std::int64_t k = f.s.size(), columns = c.shape.row_size();
    const T least =
        k ? static_cast<T>(std::max(a.shape[0], a.shape[1])) * std::numeric_limits<T>::epsilon() * s[0] : T{0};
    T* p = c.mutable_data<T>();
    for (std::int64_t i = 0; i < k; ++i)
      for (std::int64_t j = 0; j < columns; ++j, ++p) *p = s[i] > least ? *p / s[i] : T{0};
  });
  return rescaled("least_squares", multiply(f.vt, c, Trans::yes), right.exponent - matrix.exponent);
}

}  // namespace lowtide
