#include <fmt/format.h>
#include <lowtide/autodiff/nondifferentiable.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/quantized.h>
#include <lowtide/linalg/random.h>

namespace lowtide {
namespace {

struct Rounded {
  static constexpr const char* name = "round_to_eight_bits";
  struct Attr {};
  static Tensor forward(std::span<const Var> xs, const Attr&) { return dense(quantized(xs[0].peek())); }
  static std::vector<Sample> samples() {
    const Tensor w = Stream(1, name).uniform({5, 3}, Dtype::f64, -1, 1);
    return {{"matrix", {w}, [](const Vars& xs) { return round_to_eight_bits(xs[0]); }}};
  }
};
LOWTIDE_REGISTER(Nondifferentiable<Rounded>)

}  // namespace

Var round_to_eight_bits(const Var& w) { return nondifferentiable<Rounded>({w}); }

Var in_eight_bits(const Var& w) { return w + stop_gradient(round_to_eight_bits(w) - w); }

}  // namespace lowtide
