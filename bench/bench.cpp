#include "bench.h"

#include <fmt/format.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/tensor.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace lowtide::bench {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Of one thread; called on all of them at once.
double gemm_rate(std::int64_t m, std::int64_t n, std::int64_t k) {
  const Tensor a = ones({m, k}, Dtype::f32), b = ones({k, n}, Dtype::f32);
  Tensor c = zeros({m, n}, Dtype::f32);
  const double flops = 2.0 * static_cast<double>(m * n * k);
  const auto calls = std::max<std::int64_t>(1, static_cast<std::int64_t>(8e9 / flops));
  const auto run = [&] {
    blas::gemm(blas::Trans::no, blas::Trans::no, m, n, k, 1.f, a.data<float>(), k, b.data<float>(), n, 0.f,
               c.mutable_data<float>(), n);
  };
  run();
  const double start = now();
  for (std::int64_t i = 0; i < calls; ++i) run();
  return static_cast<double>(calls) * flops / (now() - start) * 1e-9;
}

}  // namespace

Options options_from(int argc, char** argv) {
  Options options;
  const auto refuse = [&](std::string_view why) {
    fmt::print(stderr, "{}: {}; options are --threads N, --repeats N, --json\n", argv[0], why);
    std::exit(2);
  };
  const auto number_after = [&](int& i) {
    char* end = nullptr;
    const long value = i + 1 < argc ? std::strtol(argv[++i], &end, 10) : 0;
    if (!end || *end || value < 1 || value > 1024)
      refuse(fmt::format("{} needs a number from 1 to 1024", argv[i - 1]));
    return static_cast<int>(value);
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json")
      options.json = true;
    else if (word == "--threads")
      options.threads = number_after(i);
    else if (word == "--repeats")
      options.repeats = number_after(i);
    else
      refuse(fmt::format("unknown option '{}'", word));
  }
  return options;
}

std::string take_option(int& argc, char** argv, std::string_view name) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] != name) continue;
    const std::string value = argv[i + 1];
    std::copy(argv + i + 2, argv + argc, argv + i);
    argc -= 2;
    return value;
  }
  return {};
}

Seconds time_of(int repeats, const std::function<void()>& run) {
  run();
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const double start = now();
    run();
    times.push_back(now() - start);
  }
  return {median(times), *std::min_element(times.begin(), times.end())};
}

AgainstGemm against_gemm(const Options& options, double gflop, const std::function<void()>& step) {
  step();
  std::vector<double> times, gemms, fractions;
  for (int i = 0; i < options.repeats; ++i) {
    const double before = gemm_gflops(options.threads);
    times.push_back(time_of(1, step).median);
    gemms.push_back(std::max(before, gemm_gflops(options.threads)));
    fractions.push_back(gflop / times.back() / gemms.back());
  }
  const double seconds = median(times);
  return {{seconds, *std::min_element(times.begin(), times.end())},
          gflop / seconds,
          median(gemms),
          median(fractions)};
}

double gemm_gflops(int threads) {
  std::vector<double> layer(static_cast<std::size_t>(threads)), cube(layer.size());
  parallel_for(threads,
               [&](std::int64_t i) { layer[static_cast<std::size_t>(i)] = gemm_rate(256, 1200, 150); });
  parallel_for(threads,
               [&](std::int64_t i) { cube[static_cast<std::size_t>(i)] = gemm_rate(1024, 1024, 1024); });
  double sum[2] = {0, 0};
  for (std::size_t i = 0; i < layer.size(); ++i) sum[0] += layer[i], sum[1] += cube[i];
  return std::max(sum[0], sum[1]);
}

void report(const Options& options, const char* name, const AgainstGemm& result, double gflop, double loss) {
  if (options.json)
    fmt::print(
        "{{\"bench\": \"{}\", \"threads\": {}, \"gemm_gflops\": {:.2f}, \"step_gflops\": {:.2f}, "
        "\"fraction\": {:.4f}, \"peak_mb\": {:.1f}, \"seconds\": {:.6f}, \"seconds_min\": {:.6f}, "
        "\"gflop\": {:.3f}, \"loss\": {:.9g}}}\n",
        name, options.threads, result.gemm_gflops, result.step_gflops, result.fraction, peak_megabytes(),
        result.seconds.median, result.seconds.least, gflop, loss);
  else
    fmt::print(
        "{} step, {} thread(s): {:.3f} s, {:.1f} of {:.1f} GFLOP/s: {:.3f} of sgemm; at most {:.0f} MB\n", name,
        options.threads, result.seconds.median, result.step_gflops, result.gemm_gflops, result.fraction,
        peak_megabytes());
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace lowtide::bench
