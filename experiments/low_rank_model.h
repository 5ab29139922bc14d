// A trained low-rank model as the reductions see it.
#pragma once
#include <lowtide/experiments/saved_model.h>
#include <lowtide/reduction/truncation.h>

namespace lowtide {

struct LowRankModel {
  std::string name;
  Scaling scaling{};
  LowRankWeights weights{};       // in scaled units: x in [-1,1]^d, fields divided by their size
  CoefficientsAt coefficients{};  // of scaled times

  double scaled_time(double physical) const { return scaling.t[0].inside(physical); }
  double physical_time(double scaled) const;
  Tensor scaled_points(const Tensor& physical) const;  // (n,d) f64
  Tensor physical_values(const Tensor& u) const;       // (n,c) f64
};

// With the parameters beside time fixed at mu, in physical units; empty: the middle of their ranges. InputError
// if the model has no low-rank coefficients, or a number of parameters other than that of mu.
LowRankModel low_rank_model(const SavedModel& model, const std::vector<double>& mu = {});

// The same with fewer terms, and as many coefficients.
LowRankModel truncated(const LowRankModel& model, const Truncation& kept);

}  // namespace lowtide
