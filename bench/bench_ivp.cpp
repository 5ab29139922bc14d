// What a product with M = JT J / n costs, and some iterations of conjugate gradients, in seconds and memory
// against the number of parameters p: all should grow like p. And the iterations (500 at most) to a residual of
// 1e-4 without and with preconditioner, 0 where p is too large for either. Then the dense solve, as far as it
// is bearable: its seconds grow like p^2 n + p^3, its memory like p n + p^2. Memory is what the process has had
// at most so far, so that widths should rise; seconds are those of the processor, of all threads, which on one
// thread a busy machine changes little.
//
//   bench_ivp [--points N] [--widths 32,64,...] [--dense P] [--threads N] [--repeats N] [--json]
#include <fmt/format.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/dirac_frenkel.h>
#include <lowtide/physics/moving_field.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <sstream>

#include "bench.h"

using namespace lowtide;

namespace {

// The slope of log y against log x, by least squares.
double exponent(const std::vector<double>& x, const std::vector<double>& y) {
  double mx = 0, my = 0, xy = 0, xx = 0;
  const auto n = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) mx += std::log(x[i]) / n, my += std::log(y[i]) / n;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (std::log(x[i]) - mx) * (std::log(y[i]) - my);
    xx += std::pow(std::log(x[i]) - mx, 2);
  }
  return xy / xx;
}

// Median of processor seconds, after a run for warmth.
double seconds_of(int repeats, const std::function<void()>& run) {
  std::vector<double> all;
  for (int i = 0; i <= repeats; ++i) {
    const std::clock_t begin = std::clock();
    run();
    if (i > 0) all.push_back(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  std::nth_element(all.begin(), all.begin() + std::ssize(all) / 2, all.end());
  return all[all.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::string points_given = bench::take_option(argc, argv, "--points"),
                    widths_given = bench::take_option(argc, argv, "--widths"),
                    dense_given = bench::take_option(argc, argv, "--dense");
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  const std::int64_t n = points_given.empty() ? 2000 : std::stoll(points_given);
  const double dense_most = dense_given.empty() ? 7000 : std::stod(dense_given);
  std::vector<std::int64_t> widths;
  std::stringstream list(widths_given.empty() ? "45,72,105,150,220,330,480" : widths_given);
  for (std::string word; std::getline(list, word, ',');) widths.push_back(std::stoll(word));

  InitialValueProblem problem{.dims = 2};
  problem.rate = [](const Jet& u, double) { return u.d(0) + u.d(1); };
  std::vector<double> ps, product_seconds, cg_seconds, dense_ps, dense_seconds;
  const auto start = [&](std::int64_t width) {
    const Embedded net{.in = 2, .width = width};
    return std::pair(MovingField(problem, net), flatten(net.init(Stream(1, "net"), Dtype::f64)));
  };
  for (const std::int64_t width : widths) {
    const auto [u, theta] = start(width);
    const Tensor x = u.points(Stream(2, "points"), n, 0);
    const TiledJacobian J = u.jacobian(theta, x);
    const Tensor f = u.rate(theta, x, 0), v = Stream(3, "v").normal({theta.size()}, Dtype::f32);
    const auto p = static_cast<double>(theta.size());
    const auto product = seconds_of(options.repeats, [&] { times(J.gram(), v); });
    const Sketch none = sketch_of(J, 0, Stream(4, "sketch"));
    const auto fixed = seconds_of(
        1, [&] { project(J, f, none, {.shift = 1e-6, .tolerance = 0, .iterations = 20, .hopeless = 1e300}); });
    ps.push_back(p);
    product_seconds.push_back(product);
    cg_seconds.push_back(fixed);
    const double memory = bench::peak_megabytes();

    const ProjectionOptions until{.shift = 1e-6, .tolerance = 1e-4, .iterations = 500, .hopeless = 1};
    int plain = 0, helped = 0;
    if (p <= 2e4) {
      plain = project(J, f, none, until).iterations;
      helped = project(J, f, sketch_of(J, 50, Stream(4, "sketch")), until).iterations;
    }
    if (options.json)
      fmt::print(
          "{{\"bench\": \"ivp\", \"threads\": {}, \"parameters\": {}, \"points\": {}, \"product_ms\": {:.4g}, "
          "\"cg20_ms\": {:.4g}, \"gflops\": {:.4g}, \"peak_mb\": {:.4g}, \"iterations\": {}, "
          "\"iterations_rank_50\": {}}}\n",
          options.threads, theta.size(), n, product * 1e3, fixed * 1e3,
          8 * p * static_cast<double>(n) / product / 1e9, memory, plain, helped);
    else
      fmt::print(
          "p {:8}  product {:9.2f} ms ({:5.1f} GFLOP/s)  20 iterations {:9.2f} ms  {:5.0f} MB  to 1e-4: {} "
          "without, {} with preconditioner\n",
          theta.size(), product * 1e3, 8 * p * static_cast<double>(n) / product / 1e9, fixed * 1e3, memory,
          plain, helped);
    std::fflush(stdout);
  }
  for (const std::int64_t width : widths) {
    const auto [u, theta] = start(width);
    if (static_cast<double>(theta.size()) > dense_most) continue;
    const Tensor x = u.points(Stream(2, "points"), n, 0), f = u.rate(theta, x, 0);
    const auto dense =
        seconds_of(1, [&] { project_dense(dense_jacobian(u.field, theta, x, u.dtype), f, 1e-6); });
    dense_ps.push_back(static_cast<double>(theta.size()));
    dense_seconds.push_back(dense);
    if (options.json)
      fmt::print(
          "{{\"bench\": \"ivp\", \"threads\": {}, \"parameters\": {}, \"points\": {}, \"dense_ms\": {:.4g}, "
          "\"peak_mb\": {:.4g}}}\n",
          options.threads, theta.size(), n, dense * 1e3, bench::peak_megabytes());
    else
      fmt::print("p {:8}  dense {:9.0f} ms  {:5.0f} MB\n", theta.size(), dense * 1e3, bench::peak_megabytes());
    std::fflush(stdout);
  }
  if (ps.size() < 2) return 0;
  const double a = exponent(ps, product_seconds), b = exponent(ps, cg_seconds),
               c = dense_ps.size() < 2 ? NAN : exponent(dense_ps, dense_seconds);
  if (options.json)
    fmt::print(
        "{{\"bench\": \"ivp\", \"exponent_product\": {:.3f}, \"exponent_cg\": {:.3f}, \"exponent_dense\": "
        "{}}}\n",
        a, b, std::isnan(c) ? "null" : fmt::format("{:.3f}", c));
  else
    fmt::print("seconds grow like p^{:.2f} for a product, p^{:.2f} for 20 iterations, p^{:.2f} dense\n", a, b,
               c);
}
