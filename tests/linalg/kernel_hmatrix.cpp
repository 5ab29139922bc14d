#include <lowtide/linalg/kernel_hmatrix.h>
#include <lowtide/linalg/parallel.h>

#include <atomic>
#include <numbers>

#include "hierarchical.h"

namespace lowtide::test {
namespace {

// A kernel of the distance.
template <class F>
Kernel radial(std::int64_t d, F f) {
  return [d, f](const double* x, std::int64_t m, const double* y, std::int64_t n, double* out) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double square = 0;
        for (std::int64_t a = 0; a < d; ++a) square += std::pow(x[i * d + a] - y[j * d + a], 2);
        out[i * n + j] = f(std::sqrt(square));
      }
  };
}

Tensor circle(std::int64_t n, std::uint64_t index) {
  std::vector<double> p;
  for (std::int64_t i = 0; i < n; ++i) {
    const double angle =
        2 * std::numbers::pi * Stream(9, "angles").child("one", index).uniform(static_cast<std::uint64_t>(i));
    p.insert(p.end(), {std::cos(angle), std::sin(angle)});
  }
  return from({n, 2}, p);
}

Tensor matrix_of(const Tensor& x, const Tensor& y, const Kernel& k) {
  Tensor a({x.shape[0], y.shape[0]}, Dtype::f64);
  k(x.data<double>(), x.shape[0], y.data<double>(), y.shape[0], a.mutable_data<double>());
  return a;
}

struct Case {
  const char* name;
  Tensor x, y;
  Kernel kernel;
};

std::vector<Case> cases(std::int64_t n) {
  Stream rng(1, "points");
  const Tensor square = rng.uniform({n, 2}, Dtype::f64),
               other = rng.uniform({n / 2 + 7, 2}, Dtype::f64, .2, 1.2), cube = rng.uniform({n, 3}, Dtype::f64),
               line = rng.uniform({n, 1}, Dtype::f64);
  return {
      {"reciprocal on a circle", circle(n, 1), circle(n, 1), radial(2, [](double r) { return 1 / (r + .01); })},
      {"logarithm on two circles", circle(n, 1), circle(n / 2, 2),
       radial(2, [](double r) { return std::log(r + 1e-3); })},
      {"exponential on squares", square, other, radial(2, [](double r) { return std::exp(-5 * r); })},
      {"Gaussian on a line", line, line, radial(1, [](double r) { return std::exp(-50 * r * r); })},
      {"reciprocal in a cube", cube, cube, radial(3, [](double r) { return 1 / (r + .05); })},
      {"waves", square, square, radial(2, [](double r) { return std::cos(40 * r) / (r + .1); })}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(matrices_of_kernels)

BOOST_AUTO_TEST_CASE(errors_are_within_the_tolerance) {
  for (const Case& c : cases(700)) {
    const Tensor a = matrix_of(c.x, c.y, c.kernel);
    for (double tolerance : {1e-2, 1e-4, 1e-7, 1e-10}) {
      const KernelHMatrix k = kernel_hmatrix(c.x, c.y, c.kernel, {.tolerance = tolerance, .leaf = 24});
      const double error = gap(dense(k.matrix), a) / norm(a);
      BOOST_TEST_MESSAGE(c.name << ": tolerance " << tolerance << ", error " << error << ", estimated "
                                << k.error / k.norm << ", entries " << k.matrix.structure.entries() << " of "
                                << a.size() << ", evaluations " << k.evaluations << ", fooled " << k.fooled
                                << ", cut " << k.cut);
      BOOST_TEST(error <= tolerance);
      if (k.matrix.structure.entries() < a.size()) BOOST_TEST(error > tolerance / 100);  // nothing is wasted
      BOOST_TEST(std::abs(k.norm - norm(a)) < .05 * norm(a));
      BOOST_TEST(k.error < 1.5 * tolerance * norm(a));
      BOOST_TEST(k.matrix.structure.entries() <= a.size());
      const Tensor v = gaussian({a.shape[1]}, Dtype::f64);
      BOOST_TEST(gap(multiply(k.matrix, v), multiply(a, v)) <= tolerance * norm(a) * norm(v));
    }
  }
}

// A far block whose residual is zero in every row and column that the cross approximation comes to by itself,
// while half of the block is elsewhere. Without probes it would be lost.
BOOST_AUTO_TEST_CASE(probes_are_not_fooled) {
  const std::int64_t n = 256;
  const Tensor x = linspace(0, 1, n, Dtype::f64).reshaped({n, 1}),
               y = linspace(5, 6, n, Dtype::f64).reshaped({n, 1});
  // The first half of x sees the first half of y, the second one the second one, each by rank one.
  const Kernel two_parts = [](const double* p, std::int64_t m, const double* q, std::int64_t k, double* out) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < k; ++j) out[i * k + j] = (p[i] < .5) == (q[j] < 5.5) ? 1 + p[i] * q[j] : 0;
  };
  const Tensor a = matrix_of(x, y, two_parts);
  int fooled = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const KernelHMatrix k = kernel_hmatrix(x, y, two_parts, {.tolerance = 1e-8, .leaf = 16, .seed = seed});
    BOOST_TEST(gap(dense(k.matrix), a) <= 1e-8 * norm(a));
    BOOST_TEST(k.matrix.structure.text == "r4");
    fooled += k.fooled > 0;
  }
  BOOST_TEST(fooled == 50);
  // Noise is of no low rank, wherever it stands.
  const Kernel noise = [](const double* p, std::int64_t m, const double* q, std::int64_t k, double* out) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < k; ++j)
        out[i * k + j] = Stream(1, "noise")
                             .normal(static_cast<std::uint64_t>(1e6 * p[i]) * 10'000'000 +
                                     static_cast<std::uint64_t>(1e6 * q[j]));
  };
  const KernelHMatrix k = kernel_hmatrix(x, y, noise, {.tolerance = 1e-3, .leaf = 16});
  BOOST_TEST(k.cut > 0);
  BOOST_TEST(gap(dense(k.matrix), matrix_of(x, y, noise)) <= 1e-3 * k.norm);
  // A block that is all zero, or in all but few rows.
  const Kernel zero = radial(1, [](double) { return 0.0; });
  BOOST_TEST(kernel_hmatrix(x, y, zero).matrix.structure.text == "r0");
  const Kernel stripe = [](const double* p, std::int64_t m, const double* q, std::int64_t c, double* out) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < c; ++j) out[i * c + j] = std::abs(p[i] - .7) < .02 ? q[j] : 0;
  };
  const Tensor striped = matrix_of(x, y, stripe);
  BOOST_TEST(gap(dense(kernel_hmatrix(x, y, stripe, {.leaf = 16}).matrix), striped) <= 1e-6 * norm(striped));
}

// What far blocks cost grows as n log n: less than four times for twice as many points.
BOOST_AUTO_TEST_CASE(entries_grow_slowly) {
  const auto counts = [](std::int64_t n) {
    const Case c = cases(n)[0];
    const KernelHMatrix k = kernel_hmatrix(c.x, c.y, c.kernel, {.tolerance = 1e-5, .leaf = 32});
    return std::pair(k.matrix.structure.entries(), k.evaluations);
  };
  const auto small = counts(1000), large = counts(4000);
  BOOST_TEST(large.first < 6 * small.first);
  BOOST_TEST(large.second < 6 * small.second);
  BOOST_TEST(large.first < 16'000'000 / 10);
  BOOST_TEST(large.second < 16'000'000 / 3);
}

BOOST_AUTO_TEST_CASE(f32_and_evaluations) {
  const Case c = cases(500)[0];
  std::atomic<std::int64_t> calls{0};
  const Kernel counted = [&](const double* x, std::int64_t m, const double* y, std::int64_t n, double* out) {
    calls += m * n;
    c.kernel(x, m, y, n, out);
  };
  const KernelHMatrix k =
      kernel_hmatrix(c.x, c.y, counted, {.tolerance = 1e-4, .leaf = 24, .dtype = Dtype::f32});
  BOOST_TEST(calls == k.evaluations);
  BOOST_TEST((k.matrix.values.dtype == Dtype::f32));
  const Tensor a = matrix_of(c.x, c.y, c.kernel);
  BOOST_TEST(gap(dense(k.matrix).cast(Dtype::f64), a) <= 1e-4 * norm(a));
}

BOOST_AUTO_TEST_CASE(same_bits_on_any_number_of_threads) {
  for (const Case& c : cases(400)) {
    const auto made = [&](int threads) {
      ThreadLimit limit(threads);
      return kernel_hmatrix(c.x, c.y, c.kernel, {.tolerance = 1e-5, .leaf = 16});
    };
    const KernelHMatrix alone = made(1);
    for (int threads : {2, 4}) {
      const KernelHMatrix together = made(threads);
      BOOST_TEST(same_bits(alone.matrix.values, together.matrix.values));
      BOOST_TEST(alone.matrix.structure.text == together.matrix.structure.text);
      BOOST_TEST(alone.error == together.error);
    }
  }
}

BOOST_AUTO_TEST_CASE(edges_and_misuse) {
  const Kernel k = radial(2, [](double r) { return 1 / (r + 1); });
  for (const auto& [m, n] : {std::pair{0, 5}, {5, 0}, {1, 1}, {1, 300}, {300, 1}, {300, 3}}) {
    const Tensor x = circle(m, 1), y = circle(n, 2);
    BOOST_TEST(gap(dense(kernel_hmatrix(x, y, k, {.tolerance = 1e-9, .leaf = 2}).matrix), matrix_of(x, y, k)) <=
               1e-9 * (m + n));
  }
  // Points that are all the same are near each other.
  BOOST_TEST(kernel_hmatrix(zeros({100, 2}, Dtype::f64), zeros({100, 2}, Dtype::f64), k)
                 .matrix.structure.text.find('r') == std::string::npos);
  const Tensor x = circle(300, 1);
  BOOST_TEST(!thrown<ShapeError>([&] { kernel_hmatrix(x, zeros({4, 3}, Dtype::f64), k); }).empty());
  BOOST_TEST(!thrown<NonFiniteError>([&] { kernel_hmatrix(x, full({4, 2}, nan, Dtype::f64), k); }).empty());
  BOOST_TEST(contains(
      thrown<NonFiniteError>([&] { kernel_hmatrix(x, x, radial(2, [](double r) { return 1 / r; })); }), "inf"));
  BOOST_TEST(!thrown<NonFiniteError>([&] {
                kernel_hmatrix(x, x, radial(2, [](double r) { return r > 1 ? nan : 1; }));
              }).empty());
  for (const KernelOptions& o :
       {KernelOptions{.tolerance = 0}, {.tolerance = nan}, {.eta = -1}, {.leaf = 0}, {.probes = 0}})
    BOOST_TEST(!thrown<Error>([&] { kernel_hmatrix(x, x, k, o); }).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
