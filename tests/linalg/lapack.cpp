#include <dlfcn.h>
#include <lowtide/linalg/jacobi.h>

#include "check.h"

// In place of LAPACKE's, so that a failure to converge can be had on demand.
namespace {
int failures = 0;  // of the routines gesdd, gesvd the first that do not converge
}
extern "C" int LAPACKE_dgesdd(int layout, char job, int m, int n, double* a, int lda, double* s, double* u,
                              int ldu, double* vt, int ldvt) {
  if (failures > 0) {
    std::fill_n(a, m * n, 1e5);  // as LAPACK would leave it
    return 1;
  }
  static const auto real = reinterpret_cast<decltype(&LAPACKE_dgesdd)>(dlsym(RTLD_NEXT, "LAPACKE_dgesdd"));
  return real(layout, job, m, n, a, lda, s, u, ldu, vt, ldvt);
}
extern "C" int LAPACKE_dgesvd(int layout, char job_u, char job_vt, int m, int n, double* a, int lda, double* s,
                              double* u, int ldu, double* vt, int ldvt, double* left) {
  if (failures > 1) {
    std::fill_n(a, m * n, 1e5);
    return 1;
  }
  static const auto real = reinterpret_cast<decltype(&LAPACKE_dgesvd)>(dlsym(RTLD_NEXT, "LAPACKE_dgesvd"));
  return real(layout, job_u, job_vt, m, n, a, lda, s, u, ldu, vt, ldvt, left);
}

namespace lowtide::test {
namespace {

const Shape shapes[] = {{1, 1}, {1, 7}, {7, 1}, {5, 5}, {40, 12}, {12, 40}, {130, 129}, {0, 3}, {3, 0}, {0, 0}};

Tensor product_of(const Svd& f) { return multiply(columns_times(f.u, to_vector(f.s)), f.vt); }

double tolerance(const Tensor& a) {
  return 8 * eps(a.dtype) * std::sqrt(static_cast<double>(a.shape[0] + a.shape[1] + 1)) * (1 + norm(a));
}

void check_svd(const Svd& f, const Tensor& a) {
  const std::int64_t k = std::min(a.shape[0], a.shape[1]);
  BOOST_TEST_REQUIRE(
      (f.u.shape == Shape{a.shape[0], k} && f.s.shape == Shape{k} && f.vt.shape == Shape{k, a.shape[1]}));
  BOOST_TEST_REQUIRE((f.u.dtype == a.dtype && f.s.dtype == a.dtype && f.vt.dtype == a.dtype));
  if (k > 0) BOOST_TEST(gap(product_of(f), a) <= tolerance(a));
  BOOST_TEST(skewness(f.u) <= 40 * eps(a.dtype) * std::sqrt(static_cast<double>(a.size() + 1)));
  BOOST_TEST(skewness(transposed(f.vt)) <= 40 * eps(a.dtype) * std::sqrt(static_cast<double>(a.size() + 1)));
  const std::vector<double> s = to_vector(f.s);
  for (std::size_t i = 0; i < s.size(); ++i) BOOST_TEST((s[i] >= 0 && (i == 0 || s[i] <= s[i - 1])));
}

struct Failures {
  explicit Failures(int n) { failures = n; }
  ~Failures() { failures = 0; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(lapack)

BOOST_AUTO_TEST_CASE(qr_laws) {
  for (Dtype dtype : both)
    for (const Shape& shape : shapes) {
      const Tensor a = gaussian(shape, dtype);
      const Qr f = qr(a);
      const std::int64_t k = std::min(shape[0], shape[1]);
      BOOST_TEST_REQUIRE((f.q.shape == Shape{shape[0], k} && f.r.shape == Shape{k, shape[1]}));
      BOOST_TEST(gap(multiply(f.q, f.r), a) <= tolerance(a));
      BOOST_TEST(skewness(f.q) <= 20 * eps(dtype) * std::sqrt(static_cast<double>(a.size() + 1)));
      for (std::int64_t i = 0; i < k; ++i) {
        BOOST_TEST(f.r.at(i * shape[1] + i) >= 0);
        for (std::int64_t j = 0; j < i; ++j) BOOST_TEST(f.r.at(i * shape[1] + j) == 0);
      }
    }
}

BOOST_AUTO_TEST_CASE(cholesky_laws) {
  for (Dtype dtype : both)
    for (std::int64_t n : {0, 1, 2, 30, 150}) {
      const Tensor g = gaussian({n, n + 5}, dtype);
      const Tensor a = multiply(g, g, Trans::no, Trans::yes);
      const Tensor l = cholesky(a);
      BOOST_TEST(gap(multiply(l, l, Trans::no, Trans::yes), a) <= tolerance(a));
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = i + 1; j < n; ++j) BOOST_TEST(l.at(i * n + j) == 0);
      const double condition = 1e4;
      for (const Shape& right : {Shape{n}, Shape{n, 3}, Shape{n, 0}}) {
        const Tensor x = gaussian(right, dtype, 5);
        BOOST_TEST(gap(solve_cholesky(l, multiply(a, x)), x) <= condition * eps(dtype) * (1 + norm(x)));
      }
    }
  // Only the lower triangle is read.
  BOOST_TEST(gap(cholesky(from({2, 2}, {4, 99, 2, 5})), from({2, 2}, {2, 0, 1, 2})) == 0);
}

BOOST_AUTO_TEST_CASE(cholesky_names_the_pivot) {
  const Tensor a = from({3, 3}, {4, 2, 0, 2, 5, 0, 0, 0, -1});
  const std::string message = thrown<SolverError>([&] { cholesky(a); });
  BOOST_TEST(contains(message, "[cholesky] (3,3)"));
  BOOST_TEST(contains(message, "pivot 2"));
  BOOST_TEST(!thrown<SolverError>([] { cholesky(zeros({2, 2}, Dtype::f32)); }).empty());
  BOOST_TEST(!thrown<SolverError>([] {
                solve_cholesky(zeros({2, 2}, Dtype::f32), ones({2}, Dtype::f32));
              }).empty());
}

BOOST_AUTO_TEST_CASE(eigenvalues_of_the_second_difference) {
  for (Dtype dtype : both) {
    const std::int64_t n = 60;
    std::vector<double> v(static_cast<std::size_t>(n * n), 0.0);
    for (std::int64_t i = 0; i < n; ++i) {
      v[static_cast<std::size_t>(i * n + i)] = 2;
      if (i > 0) v[static_cast<std::size_t>(i * n + i - 1)] = -1;  // the lower triangle is enough
    }
    const Eigen e = eigh(from({n, n}, v, dtype));
    for (std::int64_t i = 0; i < n; ++i) {
      const double exact =
          2 - 2 * std::cos(static_cast<double>(i + 1) * 3.14159265358979324 / static_cast<double>(n + 1));
      BOOST_TEST(std::abs(e.values.at(i) - exact) < 100 * eps(dtype));
    }
    for (std::int64_t i = 1; i < n; ++i)
      v[static_cast<std::size_t>((i - 1) * n + i)] = v[static_cast<std::size_t>(i * n + i - 1)];
    const Tensor a = from({n, n}, v, dtype);
    BOOST_TEST(gap(multiply(a, e.vectors), columns_times(e.vectors, to_vector(e.values))) < 300 * eps(dtype));
    BOOST_TEST(skewness(e.vectors) < 300 * eps(dtype));
  }
  BOOST_TEST((eigh(zeros({0, 0}, Dtype::f64)).vectors.shape == Shape{0, 0}));
}

BOOST_AUTO_TEST_CASE(svd_laws) {
  for (Dtype dtype : both)
    for (const Shape& shape : shapes) {
      const Tensor a = gaussian(shape, dtype);
      const Svd f = svd(a);
      BOOST_TEST(f.method == "gesdd");
      check_svd(f, a);
      check_svd(svd_jacobi(a), a);
    }
}

BOOST_AUTO_TEST_CASE(svd_of_known_spectra) {
  const std::vector<double> spectra[] = {{3, 2, 1}, {1, 1, 1, 1}, {5, 1e-3, 1e-6, 0, 0}, geometric(30, 0.5)};
  for (Dtype dtype : both)
    for (const auto& spectrum : spectra) {
      const Tensor a = with_singular_values(50, 33, spectrum, dtype);
      for (const Svd& f : {svd(a), svd_jacobi(a), svd(transposed(a)), svd_jacobi(transposed(a))})
        for (std::size_t i = 0; i < 33; ++i)
          BOOST_TEST(std::abs(f.s.at(static_cast<std::int64_t>(i)) -
                              (i < spectrum.size() ? spectrum[i] : 0.0)) <= 20 * eps(dtype) * spectrum[0]);
      check_svd(svd(a), a);
      check_svd(svd_jacobi(a), a);
    }
}

BOOST_AUTO_TEST_CASE(jacobi_keeps_small_values_of_scaled_columns) {
  const std::vector<double> scales = geometric(12, 1e-5);  // 1 ... 1e-55
  const Svd f = svd_jacobi(columns_times(orthonormal(40, 12, Dtype::f64), scales));
  for (std::size_t i = 0; i < scales.size(); ++i)
    BOOST_TEST(std::abs(f.s.at(static_cast<std::int64_t>(i)) / scales[i] - 1) < 1e-13);
  BOOST_TEST(skewness(f.u) < 1e-13);
}

BOOST_AUTO_TEST_CASE(svd_falls_back) {
  const Tensor matrices[] = {gaussian({9, 6}, Dtype::f64), gaussian({6, 9}, Dtype::f64),
                             columns_times(gaussian({6, 6}, Dtype::f64), std::vector<double>(6, 0x1p-900))};
  for (const Tensor& a : matrices) {
    const Svd direct = svd(a);
    for (int n : {1, 2}) {
      Failures planted(n);
      const Svd f = svd(a);
      BOOST_TEST(f.method == (n == 1 ? "gesvd" : "jacobi"));
      BOOST_TEST(gap(f.s, direct.s) <= 1e-14 * norm(direct.s));
      check_svd(f, a);
    }
  }
}

BOOST_AUTO_TEST_CASE(least_squares_laws) {
  for (Dtype dtype : both)
    for (const Shape& shape : {Shape{20, 6}, Shape{6, 20}, Shape{8, 8}, Shape{1, 5}, Shape{5, 1}})
      for (bool deficient : {false, true}) {
        const std::int64_t m = shape[0], n = shape[1];
        const std::vector<double> spectrum =
            deficient ? std::vector<double>{2.0} : geometric(static_cast<std::size_t>(std::min(m, n)), 0.7);
        const Tensor a = with_singular_values(m, n, spectrum, dtype);
        for (const Shape& right : {Shape{m}, Shape{m, 3}}) {
          const Tensor b = gaussian(right, dtype, 9);
          const Tensor x = least_squares(a, b);
          // The residual is orthogonal to the range of A ...
          BOOST_TEST(gap(multiply(a, multiply(a, x), Trans::yes), multiply(a, b, Trans::yes)) <
                     400 * eps(dtype) * norm(b));
          // ... and x has no part in the null space.
          const Tensor v = svd(a).vt.rows(0, static_cast<std::int64_t>(spectrum.size()));
          BOOST_TEST(gap(multiply(v, multiply(v, x), Trans::yes), x) < 400 * eps(dtype) * (1 + norm(x)));
        }
      }
  // The parabola through four points of it.
  const Tensor vandermonde = from({4, 3}, {1, 0, 0, 1, 1, 1, 1, 2, 4, 1, 3, 9});
  BOOST_TEST(gap(least_squares(vandermonde, from({4}, {1, 6, 17, 34})), from({3}, {1, 2, 3})) < 1e-13);
  BOOST_TEST(gap(least_squares(zeros({0, 3}, Dtype::f32), zeros({0}, Dtype::f32)), zeros({3}, Dtype::f32)) ==
             0);
  BOOST_TEST((least_squares(zeros({3, 0}, Dtype::f32), ones({3, 2}, Dtype::f32)).shape == Shape{0, 2}));
  // Its answer is in range although |A|^2 and |b| are not.
  const Tensor tiny = full({3, 1}, 1e-300, Dtype::f64), huge = full({3}, 1.5e308, Dtype::f64);
  BOOST_TEST(!thrown<NonFiniteError>([&] { least_squares(tiny, huge); }).empty());
  BOOST_TEST(std::abs(least_squares(huge.reshaped({3, 1}), huge).item() - 1) < 1e-14);
  BOOST_TEST(std::abs(least_squares(tiny, full({3}, 1e-290, Dtype::f64)).item() / 1e10 - 1) < 1e-14);
}

// Every routine on every kind of trouble, in every place, within a second each.
BOOST_AUTO_TEST_CASE(non_finite_input, *boost::unit_test::timeout(120)) {
  for (Dtype dtype : both)
    for (double bad : {nan, infinity, -infinity})
      for (const Shape& shape : {Shape{1, 1}, Shape{1, 6}, Shape{6, 1}, Shape{3, 3}, Shape{70, 70}})
        for (std::int64_t place : {std::int64_t{0}, shape.size() / 2, shape.size() - 1}) {
          std::vector<double> v(static_cast<std::size_t>(shape.size()), 1.0);
          v[static_cast<std::size_t>(place)] = bad;
          const Tensor a = from(shape, v, dtype), good = ones({shape[0], shape[0]}, dtype);
          const Tensor right = ones({shape[0]}, dtype);
          auto refuses = [&](const char* op, const auto& f) {
            std::string message;
            BOOST_TEST(seconds([&] { message = thrown<NonFiniteError>(f); }) < 1);
            BOOST_TEST(
                contains(message, std::string("[") + op + "] element " + std::to_string(place) + " of "));
          };
          refuses("qr", [&] { qr(a); });
          refuses("svd", [&] { svd(a); });
          refuses("svd_jacobi", [&] { svd_jacobi(a); });
          refuses("least_squares", [&] { least_squares(a, right); });
          refuses("least_squares", [&] { least_squares(good, a); });
          refuses("solve_cholesky", [&] { solve_cholesky(good, a); });
          if (shape[0] != shape[1]) continue;
          refuses("cholesky", [&] { cholesky(a); });
          refuses("eigh", [&] { eigh(a); });
          refuses("solve_cholesky", [&] { solve_cholesky(a, right); });
        }
}

// Entries at both ends of the range: the factors are those of the matrix in the middle of it.
BOOST_AUTO_TEST_CASE(extreme_input, *boost::unit_test::timeout(120)) {
  for (Dtype dtype : both)
    for (int exponent :
         dtype == Dtype::f64 ? std::vector{-1030, -700, 700, 1016} : std::vector{-130, -90, 90, 120})
      for (const Shape& shape : {Shape{1, 1}, Shape{1, 6}, Shape{6, 1}, Shape{9, 9}, Shape{20, 7}}) {
        // Multiples of 1/8 keep their bits among the denormal numbers.
        std::vector<double> v = to_vector(gaussian(shape, Dtype::f64));
        for (double& x : v) x = std::round(8 * x) / 8;
        const Tensor middle = from(shape, v, dtype);
        const Tensor a = rescaled("test", middle, exponent);
        auto back = [&](Tensor t, double unit) {
          return rescaled("test", t.cast(Dtype::f64), static_cast<int>(-exponent * unit)).cast(dtype);
        };
        // A denormal result has an absolute accuracy.
        const bool denormal = exponent < (dtype == Dtype::f64 ? -1022 : -126);
        const double close =
            (denormal ? (dtype == Dtype::f64 ? 0x1p-42 : 0x1p-17) : 40 * eps(dtype)) * (1 + norm(middle));
        BOOST_TEST(seconds([&] {
                     BOOST_TEST(gap(back(qr(a).r, 1), qr(middle).r) <= close);
                     BOOST_TEST(gap(qr(a).q, qr(middle).q) <= 40 * eps(dtype));
                     BOOST_TEST(gap(back(svd(a).s, 1), svd(middle).s) <= close);
                     BOOST_TEST(gap(back(svd_jacobi(a).s, 1), svd(middle).s) <= close);
                     BOOST_TEST(gap(least_squares(a, a), least_squares(middle, middle)) <= 1e3 * eps(dtype));
                     if (shape[0] == shape[1]) {
                       BOOST_TEST(gap(back(eigh(a).values, 1), eigh(middle).values) <= close);
                       const Tensor d = rescaled("test", eye(shape[0], dtype), exponent);
                       BOOST_TEST(gap(back(cholesky(d), 0.5), eye(shape[0], dtype)) == 0);
                       BOOST_TEST(gap(solve_cholesky(cholesky(d), d), eye(shape[0], dtype)) == 0);
                     }
                   }) < 1);
      }
}

BOOST_AUTO_TEST_CASE(results_beyond_the_range_are_refused, *boost::unit_test::timeout(60)) {
  for (Dtype dtype : both) {
    const Tensor a = full({5, 5}, dtype == Dtype::f64 ? 1.7e308 : 3.3e38, dtype);
    BOOST_TEST(contains(thrown<NonFiniteError>([&] { svd(a); }), "[svd]"));
    BOOST_TEST(contains(thrown<NonFiniteError>([&] { svd_jacobi(a); }), "[svd_jacobi]"));
    BOOST_TEST(contains(thrown<NonFiniteError>([&] { qr(a); }), "[qr]"));
    BOOST_TEST(contains(thrown<NonFiniteError>([&] { eigh(a); }), "[eigh]"));
  }
}

BOOST_AUTO_TEST_CASE(zeros_and_repeated_columns, *boost::unit_test::timeout(60)) {
  for (Dtype dtype : both)
    for (const Shape& shape :
         {Shape{1, 1}, Shape{1, 6}, Shape{6, 1}, Shape{8, 8}, Shape{30, 11}, Shape{11, 30}})
      for (const Tensor& a : {zeros(shape, dtype), ones(shape, dtype)}) {
        BOOST_TEST(seconds([&] {
                     check_svd(svd(a), a);
                     check_svd(svd_jacobi(a), a);
                     BOOST_TEST(skewness(qr(a).q) < 100 * eps(dtype));
                     BOOST_TEST(gap(multiply(qr(a).q, qr(a).r), a) <= tolerance(a));
                     const Tensor x = least_squares(a, multiply(a, ones({shape[1]}, dtype)));
                     BOOST_TEST(gap(x, max_abs(a) > 0 ? ones({shape[1]}, dtype) : zeros({shape[1]}, dtype)) <
                                100 * eps(dtype));
                     if (shape[0] == shape[1])
                       BOOST_TEST(std::abs(eigh(a).values.at(shape[0] - 1) - norm(a)) < 100 * eps(dtype));
                   }) < 1);
      }
}

BOOST_AUTO_TEST_CASE(wrong_shapes_and_dtypes) {
  const Tensor a = ones({3, 2}, Dtype::f64), v = ones({3}, Dtype::f64), w = ones({4, 1}, Dtype::f64);
  const Tensor cube = ones({2, 2, 2}, Dtype::f64), single = ones({3}, Dtype::f32), nothing;
  using Unary = void (*)(const Tensor&);
  const std::pair<const char*, Unary> unary[] = {{"qr", [](const Tensor& t) { qr(t); }},
                                                 {"svd", [](const Tensor& t) { svd(t); }},
                                                 {"svd_jacobi", [](const Tensor& t) { svd_jacobi(t); }},
                                                 {"eigh", [](const Tensor& t) { eigh(t); }},
                                                 {"cholesky", [](const Tensor& t) { cholesky(t); }}};
  for (const auto& [op, f] : unary) {
    const std::string where = std::string("[") + op + "] ";
    BOOST_TEST(thrown<ShapeError>([&] { f(v); }) == where + "(3) is not a matrix");
    BOOST_TEST(thrown<ShapeError>([&] { f(cube); }) == where + "(2,2,2) is not a matrix");
    BOOST_TEST(thrown<ShapeError>([&] { f(nothing); }) == where + "a tensor without a value");
  }
  for (const char* op : {"eigh", "cholesky"})
    BOOST_TEST(thrown<ShapeError>([&] { op[0] == 'e' ? void(eigh(a)) : void(cholesky(a)); }) ==
               std::string("[") + op + "] (3,2) is not square");
  BOOST_TEST(contains(thrown<ShapeError>([&] { least_squares(a, w); }), "(4,1) for a matrix (3,2)"));
  BOOST_TEST(contains(thrown<ShapeError>([&] { least_squares(a, cube); }), "(2,2,2)"));
  BOOST_TEST(contains(thrown<DtypeError>([&] { least_squares(a, single); }), "f64 (3,2) met f32 (3)"));
  BOOST_TEST(
      contains(thrown<ShapeError>([&] { solve_cholesky(eye(2, Dtype::f64), v); }), "(3) for a factor (2,2)"));
  BOOST_TEST(contains(thrown<DtypeError>([&] { solve_cholesky(eye(3, Dtype::f64), single); }),
                      "f64 (3,3) met f32 (3)"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
