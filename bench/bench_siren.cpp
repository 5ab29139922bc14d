// One training step of a SIREN, 2-512-512-512-512-1 with sin(30 y), on 16,000 points: nearly all GEMM.
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/mlp.h>

#include "bench.h"

using namespace lowtide;

int main(int argc, char** argv) {
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  constexpr std::int64_t width = 512, points = 16000;
  const Mlp model{{2, width, width, width, width, 1}, Activation::sin, 30};
  const Tensors theta = model.init(Stream(1, "init"));
  Stream data(1, "data");
  const Tensor x = data.uniform({points, 2}, Dtype::f32, -1, 1), u = data.normal({points, 1}, Dtype::f32);

  const auto loss = [&](const Vars& parameters) {
    return sum_over_tiles(Tiles{points}, parameters, [=](const Vars& p, const Tile& tile) {
      return sum(square(model(p, Var(tile.rows(x))) - Var(tile.rows(u))));
    });
  };
  double value = 0;
  // Forward, and twice that backward but for the first layer's input.
  const double gflop = 2e-9 * points * (3.0 * 3 * width * width + 2.0 * 2 * width + 3.0 * width);
  const auto result = bench::against_gemm(options, gflop, [&] { value = value_and_grad(loss, theta).value; });
  bench::report(options, "siren", result, gflop, value);
}
