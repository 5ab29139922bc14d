#include <fmt/format.h>
#include <lowtide/experiments/low_rank_model.h>
#include <lowtide/io/file.h>

namespace lowtide {

double LowRankModel::physical_time(double scaled) const {
  const Range& range = scaling.t[0];
  return range.low + (scaled + 1) / 2 * (range.high - range.low);
}

Tensor LowRankModel::scaled_points(const Tensor& physical) const {
  Tensor out = physical.clone();
  const std::int64_t d = scaling.dims();
  for (std::int64_t i = 0; i < out.size(); ++i)
    out.mutable_data<double>()[i] = scaling.x[static_cast<std::size_t>(i % d)].inside(physical.at(i));
  return out;
}

Tensor LowRankModel::physical_values(const Tensor& u) const { return scaling.physical_values(u); }

LowRankModel low_rank_model(const SavedModel& model, const std::vector<double>& mu) {
  const auto factors = low_rank(model);
  if (!factors && model.from_equation)
    throw InputError("this model has learned an equation: its coefficients are no functions of time");
  if (!factors)
    throw InputError(
        fmt::format("{} has no low-rank coefficients to reduce; lrnr and lrnr-cheb with terms of rank one have",
                    model.name));
  const std::int64_t p = model.scaling.parameters();
  if (!mu.empty() && std::ssize(mu) != p)
    throw InputError(fmt::format("{} parameters given, the model has {}", mu.size(), p));
  std::vector<double> fixed(static_cast<std::size_t>(p), 0.0);  // scaled
  for (std::size_t k = 0; k < mu.size(); ++k) fixed[k] = model.scaling.t[k + 1].inside(mu[k]);

  LowRankModel out{.name = model.name, .scaling = model.scaling, .weights = weights_of(*factors, model.theta)};
  Vars theta;
  for (const Tensor& part : model.theta) theta.emplace_back(part.cast(Dtype::f64));
  out.coefficients = [net = model.net, theta = std::move(theta), fixed](const Tensor& t) {
    const std::int64_t width = 1 + std::ssize(fixed);
    Tensor inputs({t.size(), width}, Dtype::f64);
    double* to = inputs.mutable_data<double>();
    for (std::int64_t i = 0; i < t.size(); ++i, to += width) {
      to[0] = t.at(i);
      std::copy(fixed.begin(), fixed.end(), to + 1);
    }
    return coefficients_at_times(net, theta, Var(inputs)).value();
  };
  return out;
}

LowRankModel truncated(const LowRankModel& model, const Truncation& kept) {
  LowRankModel out = model;
  out.weights = truncated(model.weights, kept);
  out.coefficients = [whole = model.weights, kept, f = model.coefficients](const Tensor& t) {
    return truncated(whole, f(t), kept);
  };
  return out;
}

}  // namespace lowtide
