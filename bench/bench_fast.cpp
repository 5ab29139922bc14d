// FastLRNR at the sizes of the paper's tables 1 and 2: nanoseconds of u at one point and one time, by the whole
// network of table 1, by the truncated one of table 2 (both: matrix times vector in f32, coefficients given),
// and by a FastLRNR of interpolation ranks r1 as in figure 17, coefficients included. Weights are random: sizes
// decide the time, not the numbers.
#include <fmt/format.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/reduction/folded.h>
#include <lowtide/reduction/one_point.h>

#include <chrono>
#include <cmath>

#include "bench.h"

using namespace lowtide;

namespace {

struct Case {
  const char* name;
  std::int64_t in, width, rank;
  std::vector<std::int64_t> weights, biases;  // truncated ranks
  std::int64_t hypermodes;
};

LowRankWeights network(const Case& c, const std::vector<std::int64_t>& weights,
                       const std::vector<std::int64_t>& biases) {
  LowRankWeights net;
  Stream stream(1, c.name);
  const std::int64_t depth = std::ssize(weights);
  for (std::int64_t l = 0; l < depth; ++l) {
    const auto at = static_cast<std::size_t>(l);
    const std::int64_t m = l == 0 ? c.in : c.width, w = l + 1 == depth ? 1 : c.width;
    const auto scale = [](std::int64_t n) { return 1 / std::sqrt(static_cast<double>(n)); };
    net.layers.push_back({stream.normal({weights[at], w}, Dtype::f64, 0, scale(weights[at])),
                          stream.normal({weights[at], m}, Dtype::f64, 0, scale(m)),
                          stream.normal({biases[at], w}, Dtype::f64, 0, scale(biases[at]))});
  }
  return net;
}

double nanoseconds(int repeats, std::int64_t calls, const auto& f) {
  double best = 1e300;
  for (int k = 0; k < repeats; ++k) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < calls; ++i) f(i);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best / static_cast<double>(calls) * 1e9;
}

double nanoseconds(int repeats, const LowRankWeights& net) {
  OnePoint one(net);
  const std::vector<float> x(static_cast<std::size_t>(net.in()), .3f),
      s(static_cast<std::size_t>(net.coefficients()), 1.f);
  float u = 0;
  return nanoseconds(repeats, 50, [&](std::int64_t) { one.evaluate(x.data(), s.data(), &u); });
}

// Coefficients 1 + a few modes that move slowly.
CoefficientsAt motion(std::int64_t n, std::int64_t modes) {
  const Tensor phi = Stream(2, "modes").normal({modes, n}, Dtype::f64);
  return [phi, n, modes](const Tensor& t) {
    Tensor s({t.size(), n}, Dtype::f64);
    double* to = s.mutable_data<double>();
    for (std::int64_t i = 0; i < t.size(); ++i)
      for (std::int64_t k = 0; k < n; ++k) {
        double sum = 0;
        for (std::int64_t j = 0; j < modes; ++j)
          sum += std::pow(.8, static_cast<double>(j)) * std::cos(static_cast<double>(j + 1) * t.at(i)) *
                 phi.at(j * n + k);
        *to++ = sum;
      }
    return s;
  };
}

Folded fast(const Case& c, const LowRankWeights& net) {
  PointModel model{.net = net,
                   .coefficients = motion(net.coefficients(), c.hypermodes),
                   .x = full({1, c.in}, .3, Dtype::f64)};
  Piece piece{.samples = 129};
  const Tensor s = model.coefficients(linspace(-1, 1, 401, Dtype::f64));
  piece.bases = hidden_bases(pass(net, model.x, s));
  piece.fast = fast_lrnr(net, piece.bases, std::vector<std::int64_t>(c.weights.begin(), c.weights.end() - 1));
  model.pieces.push_back(std::move(piece));
  return folded(model, 0, 1e-5);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(1);
  const Case cases[] = {
      {"euler1d", 1, 1200, 150, {38, 28, 94, 147, 35}, {71, 58, 76, 67, 113}, 5},
      {"acoustics2d", 2, 2000, 190, {64, 125, 116, 14}, {63, 85, 74, 3}, 23},
      {"burgers2d", 2, 2000, 170, {14, 32, 113, 4}, {11, 14, 16, 7}, 38},
      {"advection2d", 2, 2000, 180, {85, 160, 158, 5}, {29, 37, 20, 9}, 26},
  };
  if (!options.json)
    fmt::print(
        "case          network  truncated  FastLRNR   ns at one point and time; ratios; FastLRNR's flop, MB\n");
  std::string json;
  for (const Case& c : cases) {
    const std::vector<std::int64_t> all(c.weights.size(), c.rank);
    const LowRankWeights reduced = network(c, c.weights, c.biases);
    const Folded fold = fast(c, reduced);
    const double whole = nanoseconds(options.repeats, network(c, all, all)),
                 truncated = nanoseconds(options.repeats, reduced);
    std::vector<float> scratch;
    float u = 0;
    const double ns = nanoseconds(options.repeats, 1000, [&](std::int64_t i) {
      fold.evaluate(-1 + 2e-3 * static_cast<double>(i * 389 % 1000), &u, scratch);
    });
    if (options.json)
      json += fmt::format(
          "{}{{\"case\": \"{}\", \"full_ns\": {:.0f}, \"truncated_ns\": {:.0f}, \"fast_ns\": {:.0f}, \"flop\": "
          "{:.0f}}}",
          json.empty() ? "" : ", ", c.name, whole, truncated, ns, fold.flops());
    else
      fmt::print("{:<12}{:>9.0f}{:>11.0f}{:>10.0f}{:>8.0f}x{:>6.1f}x{:>10.0f}{:>7.2f}\n", c.name, whole,
                 truncated, ns, whole / ns, truncated / ns, fold.flops(),
                 1e-6 * static_cast<double>(fold.bytes()));
  }
  if (options.json) fmt::print("[{}]\n", json);
}
