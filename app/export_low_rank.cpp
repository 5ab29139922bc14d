#include "export_low_rank.h"

#include <lowtide/linalg/random.h>

namespace lowtide::app {
namespace {

constexpr std::int64_t samples = 257;

const char* name_of(Head head) {
  return head == Head::linear ? "linear" : head == Head::relu ? "relu" : "softplus";
}

}  // namespace

Tensor coefficients_at(const SavedModel& model, const Tensor& inputs) {
  Vars theta;
  for (const Tensor& part : model.theta) theta.push_back(Var(part.cast(Dtype::f64)));
  return coefficients_at_times(model.net, theta, Var(inputs)).value();
}

std::optional<LowRankPart> low_rank_part(const SavedModel& model) {
  const auto factors = low_rank(model);
  if (!factors) return std::nullopt;
  LowRankPart part{.net = weights_of(*factors, model.theta)};
  if (const auto* hyper = std::get_if<Lrnr>(&model.net)) part.head = name_of(hyper->head);
  // A line of times; a cube of times and parameters is filled at random.
  const std::int64_t p = model.scaling.parameters();
  part.inputs = p == 0 ? linspace(-1, 1, samples, Dtype::f64).reshaped({samples, 1})
                       : Stream(0, "export").uniform({16 * samples, 1 + p}, Dtype::f64, -1, 1);
  part.s = coefficients_at(model, part.inputs);
  return part;
}

std::vector<std::int64_t> kept_coefficients(const LowRankWeights& net, const Truncation& cut) {
  const std::int64_t n = net.coefficients();
  const Tensor kept =
      truncated(net, linspace(0, static_cast<double>(n - 1), n, Dtype::f64).reshaped({1, n}), cut);
  std::vector<std::int64_t> which;
  for (std::int64_t i = 0; i < kept.size(); ++i) which.push_back(static_cast<std::int64_t>(kept.at(i) + 0.5));
  return which;
}

}  // namespace lowtide::app
