#include <fmt/format.h>
#include <lowtide/experiments/training_compression.h>
#include <lowtide/io/file.h>
#include <lowtide/optim/losses.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr double no_error = 1e-6;  // relative: that of rounding

const MlpXt& dense_model(const Network& net) {
  const auto* model = std::get_if<MlpXt>(&net);
  if (!model) throw InputError("compress.method is for dense networks, mlp and siren-xt");
  return *model;
}

CompressedNetwork compressed(const TrainingCompression& how, const Network& net, const Tensors& theta,
                             double tolerance) {
  try {
    const NetworkCandidates candidates(net, theta, {.by = compress_by_named(how.method), .reorder = false});
    return candidates.to_tolerance(tolerance);
  } catch (const ShapeError& error) {
    throw InputError(fmt::format("setting compress.method={}: {}", how.method, error.what()));
  }
}

// Mean over the blocks of low rank; NaN if there are none.
double mean_rank(const CompressedNetwork& network) {
  double sum = 0, count = 0;
  for (const CompressedLayer& layer : network.layers) {
    const WeightForm& form = layer.weight.form;
    if (form.kind == WeightForm::Kind::svd) {
      sum += static_cast<double>(form.rank);
      ++count;
    }
    if (form.kind != WeightForm::Kind::blocks) continue;
    for (const Block& b : form.blocks->blocks) {
      if (b.dense()) continue;
      sum += static_cast<double>(b.rank);
      ++count;
    }
  }
  return sum / count;
}

}  // namespace

TrainingCompression training_compression(Settings& s, const std::string& unit, std::int64_t every) {
  TrainingCompression how;
  how.method = s.get("compress.method", "none", "of weights while they are trained: none, hmatrix, svd");
  if (how.method != "none" && how.method != "hmatrix" && how.method != "svd")
    throw InputError(fmt::format("setting compress.method={}: one of none, hmatrix, svd expected", how.method));
  how.every = s.get("compress.every", every, unit + " between two compressions", 1);
  how.budget =
      s.get("compress.budget", how.budget, "relative error of weights over the root of the loss", 0.0, 1e6);
  how.most = s.get("compress.most", how.most, "but no more than this", 1e-6, .99);
  how.shrink = s.get("compress.shrink", how.shrink,
                     "of the largest singular value, by which those of blocks are lowered", 0.0, .99);
  how.penalty =
      s.get("compress.penalty", how.penalty, "weight of log det(I + B BT / delta) of all blocks", 0.0, 1e6);
  how.grid = s.get("compress.grid", how.grid, "blocks a side of this penalty", 1, 64);
  how.delta = s.get("compress.delta", how.delta, "of this penalty", 1e-6, 1e6);
  return how;
}

Var rank_penalty(const TrainingCompression& how, const Network& net, std::span<const Var> theta) {
  const Mlp dense = dense_model(net).net();
  Var sum = number_like(theta[0], 0);
  for (std::size_t l = 1; l + 1 < dense.layers(); ++l)
    sum = sum + rank_penalty(theta[2 * l], how.grid, how.delta);
  return sum;
}

Numbers compress_in_training(const TrainingCompression& how, const Network& net, Tensors& theta, double loss) {
  const Mlp dense = dense_model(net).net();
  CompressedNetwork made =
      compressed(how, net, theta, std::clamp(how.budget * std::sqrt(std::max(0.0, loss)), no_error, how.most));
  double size = 0, entries = 0, all = 0;
  std::size_t at = 0;
  const Mlp stored = std::get<MlpXt>(made.net).net();
  for (std::size_t l = 0, next = 0; l < stored.layers(); ++l) {  // what is shrunk is a part of made.theta
    const WeightForm& form = stored.form(l);
    if (next < made.layers.size() && made.layers[next].tensor == 2 * l) {
      size += std::pow(made.layers[next].size, 2);
      entries += static_cast<double>(form.entries(stored.widths[l], stored.widths[l + 1]));
      all += static_cast<double>(stored.widths[l] * stored.widths[l + 1]);
      ++next;
      if (how.shrink > 0)
        shrink_singular_values(form, std::span(made.theta).subspan(at, form.tensors()), how.shrink);
    }
    at += form.tensors() + 1;
  }
  theta = with_dense_weights(stored, made.theta);
  return {{"kept", all > 0 ? entries / all : 1},
          {"rank", mean_rank(made)},
          {"weight_error", size > 0 ? made.error() / std::sqrt(size) : 0}};
}

std::pair<Network, Tensors> stored_in_blocks(const TrainingCompression& how, const Network& net,
                                             const Tensors& theta) {
  CompressedNetwork made = compressed(how, net, theta, no_error);
  return {std::move(made.net), std::move(made.theta)};
}

}  // namespace lowtide
