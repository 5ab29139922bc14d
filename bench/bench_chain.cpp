// What an op costs beside its arithmetic: a chain of 1,000 ops on 16 elements (250 times x c, x + c, tanh,
// sin), recorded and pulled back.
#include <fmt/format.h>
#include <lowtide/autodiff.h>
#include <lowtide/linalg/random.h>

#include "bench.h"

using namespace lowtide;

int main(int argc, char** argv) {
  const bench::Options options = bench::options_from(argc, argv);
  Stream data(1, "data");
  const Tensor x = data.uniform({16}, Dtype::f32, -1, 1);
  const Var c(data.uniform({16}, Dtype::f32, -3.1, -2.9));
  double norm = 0;
  const auto chain = [&](const Vars& xs) {
    Var y = xs[0];
    for (int i = 0; i < 250; ++i) y = sin(tanh(y * c + c));
    return sum(y);
  };
  const auto seconds = bench::time_of(20 * options.repeats,
                                      [&] { norm = max_abs(value_and_grad(chain, Tensors{x}).gradient[0]); });
  const double ns = seconds.median * 1e6;  // 1,000 ops
  if (options.json)
    fmt::print(
        "{{\"bench\": \"chain\", \"threads\": 1, \"ns_per_op\": {:.2f}, \"ns_per_op_min\": {:.2f}, "
        "\"gradient\": {:.6g}}}\n",
        ns, seconds.least * 1e6, norm);
  else
    fmt::print("chain of 1,000 ops on 16 elements: {:.0f} ns an op, forward and pull\n", ns);
}
