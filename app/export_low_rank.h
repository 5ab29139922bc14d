// The low-rank part of a saved model in f64, as exports need it.
#pragma once
#include <lowtide/experiments/saved_model.h>
#include <lowtide/reduction/truncation.h>

#include <optional>
#include <string>
#include <vector>

namespace lowtide::app {

struct LowRankPart {
  LowRankWeights net{};
  std::string head{};  // of the hypernetwork, if there is one
  Tensor inputs{};     // (N,1+p), scaled: what stands for all times and parameters
  Tensor s{};          // (N,n): the coefficients there
};

// Of a model without such a part: none.
std::optional<LowRankPart> low_rank_part(const SavedModel& model);

// s at scaled times and parameters (k,1+p), in f64.
Tensor coefficients_at(const SavedModel& model, const Tensor& inputs);
// The entries of s that stay.
std::vector<std::int64_t> kept_coefficients(const LowRankWeights& net, const Truncation& cut);

}  // namespace lowtide::app
