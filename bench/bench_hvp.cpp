// Second order on a small network, 2-64-64-64-1 with tanh and 1,000 points: a gradient, a Hessian-vector
// product, and u_xx by push of push.
#include <fmt/format.h>
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/mlp.h>

#include "bench.h"

using namespace lowtide;

int main(int argc, char** argv) {
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  constexpr std::int64_t points = 1000;
  const Mlp model{{2, 64, 64, 64, 1}};
  const Tensors theta = model.init(Stream(1, "init")), direction = model.init(Stream(2, "direction"));
  Stream data(1, "data");
  const Tensor x = data.uniform({points, 2}, Dtype::f32, -1, 1), u = data.normal({points, 1}, Dtype::f32);
  Tensor along_x = zeros({points, 2}, Dtype::f32);
  for (std::int64_t i = 0; i < points; ++i) along_x.mutable_data<float>()[2 * i] = 1;

  const auto loss = [&](const Vars& parameters) {
    return sum_over_tiles(Tiles{points}, parameters, [=](const Vars& p, const Tile& tile) {
      return sum(square(model(p, Var(tile.rows(x))) - Var(tile.rows(u))));
    });
  };
  const int repeats = 10 * options.repeats;
  const auto gradient = bench::time_of(repeats, [&] { value_and_grad(loss, theta); });
  const auto product = bench::time_of(repeats, [&] { hvp(loss, theta, direction); });
  const auto second = bench::time_of(repeats, [&] {
    parallel_for(Tiles{points}.count(), [&](std::int64_t i) {
      const Tile tile = Tiles{points}[i];
      const Vars parameters(theta.begin(), theta.end());
      Tape tape;
      const Var leaf = tape.leaf(tile.rows(x)), dx(tile.rows(along_x));
      const Var u_x = push(model(parameters, leaf), leaf, dx, Graph::keep);
      push(u_x, leaf, dx);
    });
  });
  if (options.json)
    fmt::print(
        "{{\"bench\": \"hvp\", \"threads\": {}, \"seconds_gradient\": {:.7f}, \"seconds_hvp\": {:.7f}, "
        "\"seconds_push_push\": {:.7f}}}\n",
        options.threads, gradient.median, product.median, second.median);
  else
    fmt::print("gradient {:.0f} us; Hessian-vector product {:.2f} and push of push {:.2f} gradients\n",
               gradient.median * 1e6, product.median / gradient.median, second.median / gradient.median);
}
