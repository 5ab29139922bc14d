// Hierarchical matrices of the kernel 1 / (|x - y| + c) at points of a circle and of a square: time to make
// them, bytes, time of H X for X of 1 and of 64 columns, against the dense matrix in f32 cut into bands of
// rows, and the relative error in exact columns. --most N is the largest number of points, --tolerance, --eta
// and --leaf as in KernelOptions. bench/peers/hmat_oss.cpp does the same with the same points.
#include "bench.h"

#include <fmt/format.h>
#include <lowtide/linalg/kernel_hmatrix.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <cmath>
#include <cstdlib>
#include <vector>

#include "peers/kernel_points.h"

using namespace lowtide;

namespace {

constexpr std::int64_t columns = 64;

void kernel(const double* x, std::int64_t m, const double* y, std::int64_t n, double* out) {
  for (std::int64_t i = 0; i < m; ++i) {
    const double x0 = x[2 * i], x1 = x[2 * i + 1];
    for (std::int64_t j = 0; j < n; ++j) out[i * n + j] = peers::kernel(x0 - y[2 * j], x1 - y[2 * j + 1]);
  }
}

Tensor points(const char* name, std::int64_t n) { return from({n, 2}, peers::points(name, n)); }

// The dense matrix, and its product with X (n,k), in bands of rows.
Tensor dense_matrix(const Tensor& p) {
  const std::int64_t n = p.shape[0];
  Tensor a({n, n}, Dtype::f32);
  float* to = a.mutable_data<float>();
  parallel_for(n, [&](std::int64_t i) {
    std::vector<double> row(static_cast<std::size_t>(n));
    kernel(p.data<double>() + 2 * i, 1, p.data<double>(), n, row.data());
    std::transform(row.begin(), row.end(), to + i * n, [](double v) { return static_cast<float>(v); });
  });
  return a;
}
Tensor dense_product(const Tensor& a, const Tensor& x) {
  constexpr std::int64_t band = 256;
  const std::int64_t n = a.shape[0], k = x.shape.row_size();
  Tensor y(x.shape, Dtype::f32);
  float* to = y.mutable_data<float>();
  parallel_for((n + band - 1) / band, [&](std::int64_t b) {
    const std::int64_t begin = b * band, m = std::min(band, n - begin);
    blas::gemm<float>(Trans::no, Trans::no, m, k, n, 1, a.data<float>() + begin * n, n, x.data<float>(), k, 0,
                      to + begin * k, k);
  });
  return y;
}

// |A - H|_F / |A|_F from some columns that are computed exactly.
double error_in_columns(const HMatrix& h, const Tensor& p) {
  const std::int64_t n = p.shape[0];
  const std::vector<std::int64_t> chosen = peers::columns(n, columns);
  Tensor units = zeros({n, columns}, Dtype::f32);
  for (std::int64_t j = 0; j < columns; ++j)
    units.mutable_data<float>()[chosen[static_cast<std::size_t>(j)] * columns + j] = 1;
  const Tensor found = multiply(h, units);
  double error = 0, size = 0;
  std::vector<double> column(static_cast<std::size_t>(n));
  for (std::int64_t j = 0; j < columns; ++j) {
    kernel(p.data<double>(), n, p.data<double>() + 2 * chosen[static_cast<std::size_t>(j)], 1, column.data());
    for (std::int64_t i = 0; i < n; ++i) {
      const double exact = column[static_cast<std::size_t>(i)];
      error += std::pow(found.at(i * columns + j) - exact, 2);
      size += exact * exact;
    }
  }
  return std::sqrt(error / size);
}

// The power of n that fits the numbers best.
double exponent(const std::vector<double>& n, const std::vector<double>& values) {
  double x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < n.size(); ++i) {
    const double u = std::log(n[i]), v = std::log(values[i]);
    x += u, y += v, xx += u * u, xy += u * v;
  }
  const auto k = static_cast<double>(n.size());
  return (k * xy - x * y) / (k * xx - x * x);
}

double number(int& argc, char** argv, const char* name, double otherwise) {
  const std::string text = bench::take_option(argc, argv, name);
  return text.empty() ? otherwise : std::strtod(text.c_str(), nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const auto most = static_cast<std::int64_t>(number(argc, argv, "--most", 16000));
  KernelOptions o{.tolerance = number(argc, argv, "--tolerance", 1e-4),
                  .eta = number(argc, argv, "--eta", 2),
                  .leaf = static_cast<std::int64_t>(number(argc, argv, "--leaf", 64)),
                  .dtype = Dtype::f32};
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  if (!options.json)
    fmt::print(
        "{} threads, f32, tolerance {}, eta {}, leaves of {}\ncase        n   make s    MB  of dense  rel. "
        "error  "
        "H x us  H X us  dense x us  dense X us   faster x     X  X, of gemm\n",
        options.threads, o.tolerance, o.eta, o.leaf);
  std::string json;
  for (const char* name : {"circle", "square"}) {
    std::vector<double> sizes, make, bytes_of, one, many, n_log_n;
    for (std::int64_t n = 1000; n <= most; n *= 2) {
      const Tensor p = points(name, n);
      KernelHMatrix k;
      const bench::Seconds built =
          bench::time_of(n <= 4000 ? options.repeats : 1, [&] { k = kernel_hmatrix(p, p, kernel, o); });
      const HMatrix& h = k.matrix;
      const double error = error_in_columns(h, p);
      Stream rng(1, "columns");
      const Tensor x = rng.normal({n}, Dtype::f32), batch = rng.normal({n, columns}, Dtype::f32);
      const double flop = 2e-9 * static_cast<double>(h.structure.entries());
      const bench::Seconds hx = bench::time_of(options.repeats, [&] { multiply(h, x); });
      const bench::AgainstGemm hb =
          bench::against_gemm(options, flop * static_cast<double>(columns), [&] { multiply(h, batch); });
      const Tensor a = dense_matrix(p);
      const bench::Seconds ax = bench::time_of(options.repeats, [&] { dense_product(a, x); }),
                           ab = bench::time_of(options.repeats, [&] { dense_product(a, batch); });
      const auto size = static_cast<double>(n), stored = static_cast<double>(bytes(h));
      sizes.push_back(size), make.push_back(built.median), bytes_of.push_back(stored), one.push_back(hx.median);
      many.push_back(hb.seconds.median), n_log_n.push_back(size * std::log(size));
      if (options.json)
        json += fmt::format(
            R"({}{{"case": "{}", "n": {}, "make_s": {:.4g}, "bytes": {}, "dense_bytes": {}, "error": {:.3g}, )"
            R"("evaluations": {}, "fooled": {}, "cut": {}, "hx_s": {:.4g}, "hX_s": {:.4g}, "ax_s": {:.4g}, )"
            R"("aX_s": {:.4g}, "of_gemm": {:.3f}}})",
            json.empty() ? "" : ",\n ", name, n, built.median, bytes(h), 4 * n * n, error, k.evaluations,
            k.fooled, k.cut, hx.median, hb.seconds.median, ax.median, ab.median, hb.fraction);
      else
        fmt::print(
            "{:<7}{:>6}{:>9.3f}{:>6.1f}{:>9.1f}%{:>12.1e}{:>8.0f}{:>8.0f}{:>12.0f}{:>12.0f}{:>10.1f}x{:>5.1f}x{"
            ":>12.2f}\n",
            name, n, built.median, stored * 1e-6, 100 * stored / (4 * size * size), error, hx.median * 1e6,
            hb.seconds.median * 1e6, ax.median * 1e6, ab.median * 1e6, ax.median / hx.median,
            ab.median / hb.seconds.median, hb.fraction);
      std::fflush(stdout);
    }
    if (!options.json && sizes.size() > 1)
      fmt::print("{:<7} powers of n: make {:.2f}, bytes {:.2f}, H x {:.2f}, H X {:.2f}; n log n {:.2f}\n", name,
                 exponent(sizes, make), exponent(sizes, bytes_of), exponent(sizes, one), exponent(sizes, many),
                 exponent(sizes, n_log_n));
  }
  if (options.json) fmt::print("[{}]\n", json);
}
