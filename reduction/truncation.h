// Which coefficients matter: those that stay small at all times are left out, with their rank-one terms (LRNR,
// section 5, table 2).
#pragma once
#include <lowtide/reduction/low_rank_weights.h>

namespace lowtide {

// What "small" is relative to.
enum class Relative : std::uint8_t {
  global,  // the largest coefficient of all
  block,   // the largest of the same weight or bias
  terms,   // as global, for |s_i| times the norms of the factors that it multiplies: does not depend on how
           // these are scaled
};
const char* name_of(Relative relative);

inline constexpr double paper_threshold = 5e-5;

struct Truncation {
  std::vector<std::vector<std::int64_t>> weights{}, biases{};  // the terms of each layer that stay, rising

  std::vector<std::int64_t> weight_ranks() const;
  std::vector<std::int64_t> bias_ranks() const;
};

// s (N,n): coefficients at many times. InputError where s has no finite number, ShapeError where it does not
// fit.
Truncation truncation(const LowRankWeights& net, const Tensor& s, double threshold = paper_threshold,
                      Relative relative = Relative::global);
LowRankWeights truncated(const LowRankWeights& net, const Truncation& kept);
Tensor truncated(const LowRankWeights& net, const Tensor& s, const Truncation& kept);  // (N,n) -> (N, fewer)

}  // namespace lowtide
