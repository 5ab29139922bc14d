#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/cpu.h>

#include <cstdlib>
#include <string_view>
#include <tuple>

#include "check.h"

namespace lowtide::test {
namespace {

using blas::Trans;
constexpr Trans both_ways[] = {Trans::no, Trans::yes};

// Sums in long double; nothing of C is read where beta is zero.
template <class T>
void naive_gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
                std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      long double sum = 0;
      for (std::int64_t l = 0; l < k; ++l)
        sum += static_cast<long double>(ta ? a[l * lda + i] : a[i * lda + l]) *
               (tb ? b[j * ldb + l] : b[l * ldb + j]);
      sum *= alpha;
      if (beta != T{0}) sum += static_cast<long double>(beta) * c[i * ldc + j];
      c[i * ldc + j] = static_cast<T>(sum);
    }
}

template <class T>
std::vector<T> values(std::int64_t n, std::uint64_t index) {
  const Tensor t = gaussian({n}, dtype_of<T>, index);
  return {t.data<T>(), t.data<T>() + n};
}

// NaN where a is NaN counts as agreement: cells beyond the row must stay what they were.
template <class T>
double distance(const std::vector<T>& a, const std::vector<T>& b) {
  double d = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    const double x = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    d = std::isnan(x) ? infinity : std::max(d, x);
  }
  return d;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(blas_routines)

using Types = std::tuple<float, double>;

BOOST_AUTO_TEST_CASE_TEMPLATE(gemm, T, Types) {
  struct Extents {
    std::int64_t m, n, k;
  };
  const T not_a_number = std::numeric_limits<T>::quiet_NaN();
  for (const Extents& e : {Extents{1, 1, 1},
                           {3, 4, 5},
                           {17, 1, 9},
                           {1, 17, 9},
                           {64, 33, 100},
                           {130, 70, 3},
                           {5, 6, 0},
                           {0, 3, 4},
                           {3, 0, 4},
                           {0, 0, 0},
                           {200, 30, 30}})
    for (Trans ta : both_ways)
      for (Trans tb : both_ways)
        for (T beta : {T{0}, T{1}, T{0.5}})
          for (T alpha : {T{1}, T{-2}, T{0}})
            for (std::int64_t pad : {0, 3}) {
              const bool at = ta == Trans::yes, bt = tb == Trans::yes;
              const std::int64_t lda = (at ? e.m : e.k) + pad, ldb = (bt ? e.k : e.n) + pad, ldc = e.n + pad;
              const auto a = values<T>((at ? e.k : e.m) * lda, 1), b = values<T>((bt ? e.n : e.k) * ldb, 2);
              auto c = values<T>(e.m * ldc, 3);
              // With beta = 0 the old contents are not read; beyond a row nothing is written.
              for (std::int64_t i = 0; i < e.m; ++i)
                for (std::int64_t j = beta == T{0} ? 0 : e.n; j < ldc; ++j)
                  c[static_cast<std::size_t>(i * ldc + j)] = not_a_number;
              auto expected = c;
              naive_gemm(at, bt, e.m, e.n, e.k, alpha, a.data(), lda, b.data(), ldb, beta, expected.data(),
                         ldc);
              blas::gemm<T>(ta, tb, e.m, e.n, e.k, alpha, a.data(), lda, b.data(), ldb, beta, c.data(), ldc);
              BOOST_TEST(
                  distance(c, expected) <= 60 * eps(dtype_of<T>) * std::sqrt(static_cast<double>(e.k + 1)),
                  e.m << "," << e.n << "," << e.k << " transposed " << at << bt << " beta " << beta);
            }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(gemv, T, Types) {
  for (std::int64_t m : {0, 1, 5, 100})
    for (std::int64_t n : {0, 1, 7, 130})
      for (Trans ta : both_ways)
        for (T beta : {T{0}, T{1}, T{0.5}})
          for (T alpha : {T{1}, T{-2}, T{0}}) {
            const bool at = ta == Trans::yes;
            const std::int64_t length = at ? n : m, inner = at ? m : n;
            const auto a = values<T>(m * n, 1), x = values<T>(inner, 2);
            auto y = values<T>(length, 3);
            if (beta == T{0}) std::fill(y.begin(), y.end(), std::numeric_limits<T>::quiet_NaN());
            auto expected = y;
            naive_gemm<T>(at, false, length, 1, inner, alpha, a.data(), n, x.data(), 1, beta, expected.data(),
                          1);
            blas::gemv<T>(ta, m, n, alpha, a.data(), n, x.data(), beta, y.data());
            BOOST_TEST(
                distance(y, expected) <= 20 * eps(dtype_of<T>) * std::sqrt(static_cast<double>(inner + 1)),
                m << "," << n << " transposed " << at << " beta " << beta);
          }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(vectors, T, Types) {
  for (std::int64_t n : {0, 1, 33, 1000}) {
    const auto x = values<T>(n, 1), y = values<T>(n, 2);
    const double close = 20 * eps(dtype_of<T>) * std::sqrt(static_cast<double>(n + 1));
    double product = 0, square = 0;
    auto sum = y, twice = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      product += static_cast<double>(x[i]) * static_cast<double>(y[i]);
      square += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      sum[i] += 3 * x[i], twice[i] *= 2;
    }
    BOOST_TEST(std::abs(blas::dot<T>(n, x.data(), y.data()) - product) <= close);
    BOOST_TEST(std::abs(blas::nrm2<T>(n, x.data()) - std::sqrt(square)) <= close);
    auto z = y;
    blas::axpy<T>(n, 3, x.data(), z.data());
    BOOST_TEST(distance(z, sum) <= close);
    z = x;
    blas::scal<T>(n, 2, z.data());
    BOOST_TEST(distance(z, twice) == 0);
    for (std::int64_t m : {0, 1, 5}) {
      const std::int64_t lda = n + 2;
      const auto u = values<T>(m, 4);
      auto a = values<T>(m * lda, 5), expected = a;
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          expected[static_cast<std::size_t>(i * lda + j)] +=
              2 * u[static_cast<std::size_t>(i)] * x[static_cast<std::size_t>(j)];
      blas::ger<T>(m, n, 2, u.data(), x.data(), a.data(), lda);
      BOOST_TEST(distance(a, expected) <= close);
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(triangular_solve, T, Types) {
  for (std::int64_t m : {0, 1, 20})
    for (std::int64_t n : {0, 1, 6})
      for (Trans tl : both_ways) {
        Tensor l = gaussian({m, m}, dtype_of<T>, 1);
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = i; j < m; ++j) l.mutable_data<T>()[i * m + j] = i == j ? T{8} : T{0};
        const Tensor x = gaussian({m, n}, dtype_of<T>, 2);
        Tensor b = multiply(l, x, tl);
        // What is above the diagonal is not read.
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = i + 1; j < m; ++j)
            l.mutable_data<T>()[i * m + j] = std::numeric_limits<T>::quiet_NaN();
        blas::solve_lower<T>(tl, m, n, l.data<T>(), m, b.mutable_data<T>(), n);
        BOOST_TEST(gap(b, x) <= 100 * eps(dtype_of<T>) * (1 + norm(x)));
      }
}

BOOST_AUTO_TEST_CASE(kernels_are_as_new_as_the_processor) {
  if (std::getenv("OPENBLAS_CORETYPE") || simd_level() == SimdLevel::base) return;
  for (const char* old : {"Prescott", "Core2", "Nehalem", "Sandybridge"})
    BOOST_TEST(std::string_view(blas::core_name()) != old);
}

BOOST_AUTO_TEST_CASE(extents_beyond_32_bits_are_refused) {
  const double x = 0;
  const std::int64_t n = std::int64_t{1} << 31;
  BOOST_TEST(contains(thrown<ShapeError>([&] { blas::dot<double>(n, &x, &x); }), "2147483648"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
