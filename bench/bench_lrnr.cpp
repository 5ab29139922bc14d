// One training step of an LRNR at the size of the paper's Euler case: loss and gradient in f32, 16 frames of
// 500 points, in useful flops over the machine's own sgemm of the same run.
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/lrnr.h>

#include "bench.h"

using namespace lowtide;

int main(int argc, char** argv) {
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  const Lrnr model{.in = 1, .out = 1, .width = 1200, .depth = 5, .rank = 150};
  const Tensors theta = model.init(Stream(1, "init"));
  constexpr std::int64_t frames = 16, points = 500;
  Stream data(1, "data");
  const Tensor x = linspace(-1, 1, points, Dtype::f32).reshaped({points, 1});
  const Tensor t = data.uniform({frames, 1}, Dtype::f32, -1, 1);
  const Tensor u = data.normal({frames, points, 1}, Dtype::f32);

  const auto loss = [&](const Vars& parameters) {
    return sum_over_tiles(Tiles{frames * points, points}, parameters, [=](const Vars& p, const Tile& tile) {
      const Var s = model.coefficients_at(p, Var(t.rows(tile.index, tile.index + 1)));
      const Var misfit = model(p, Var(x), s) - Var(u.rows(tile.index, tile.index + 1).reshaped({points, 1}));
      return sum(square(misfit));
    });
  };
  double value = 0;
  const double gflop = static_cast<double>(frames) * model.flops(points) * 1e-9;
  const auto result = bench::against_gemm(options, gflop, [&] { value = value_and_grad(loss, theta).value; });
  bench::report(options, "lrnr", result, gflop, value);
}
