#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/experiments/batch_loss.h>
#include <lowtide/experiments/compression_study.h>
#include <lowtide/experiments/train.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/optim/adam.h>
#include <lowtide/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

constexpr std::int64_t kernel_points = 150;
constexpr std::int64_t most_frames = 20;

// The inputs of a dense network at points of one frame: x, then time or what stands for it.
void append_inputs(std::vector<double>& rows, const SavedModel& model, const Tensor& x, double t,
                   const std::vector<double>& mu) {
  const Tensor points = model.scaling.points(x), time = model.scaling.time(t, mu);
  const std::int64_t n = points.shape[0], d = points.shape[1];
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < d; ++k) rows.push_back(points.at(i * d + k));
    if (!model.from_equation) {
      for (std::int64_t k = 0; k < time.size(); ++k) rows.push_back(time.at(k));
      continue;
    }
    if (model.time_is_input) rows.push_back(time.at(0));
    // The equation's parameters; a network of an equation without any has one that is 0.
    if (model.scaling.parameters() == 0) rows.push_back(0);
    for (std::int64_t k = 1; k < time.size(); ++k) rows.push_back(time.at(k));
  }
}

}  // namespace

CompressionStudy::CompressionStudy(const SavedModel& model, const Snapshots& set, std::int64_t points,
                                   std::int64_t seed)
    : model_(model) {
  if (model.pod || model.evolved)
    throw InputError(fmt::format("a model '{}' has no weights that are compressed", model.name));
  const std::int64_t count = std::min(most_frames, set.frames());
  for (std::int64_t k = 0; k < count; ++k)
    frames_.push_back(count == 1 ? 0 : k * (set.frames() - 1) / (count - 1));
  const auto* dense = std::get_if<MlpXt>(&model.net);
  std::vector<double> rows;
  std::int64_t all = 0;
  for (const std::int64_t k : frames_) {
    const Tensor everywhere = set.points(k);
    const std::int64_t n = everywhere.shape[0], d = everywhere.shape[1],
                       here = std::min(n, std::max<std::int64_t>(1, points / count));
    Stream stream =
        Stream(static_cast<std::uint64_t>(seed), "compression").child("frame", static_cast<std::uint64_t>(k));
    const auto order = stream.permutation(n);
    Part part{.x = Tensor({here, d}, Dtype::f64), .t = set.time(k)};
    for (std::int64_t i = 0; i < here; ++i)
      std::copy_n(everywhere.data<double>() + order[static_cast<std::size_t>(i)] * d, d,
                  part.x.mutable_data<double>() + i * d);
    part.mu = parameters_of(set, k);
    part.values = model.values(part.x, part.t, part.mu);
    if (dense) append_inputs(rows, model, part.x, part.t, part.mu);
    all += here;
    sample_.push_back(std::move(part));
  }
  if (dense) inputs_ = from({all, std::ssize(rows) / all}, rows, Dtype::f32);
}

std::int64_t CompressionStudy::dense_bytes() const {
  Network net = model_.net;
  if (auto* dense = std::get_if<MlpXt>(&net)) dense->forms.clear();
  return parameter_count(net) * static_cast<std::int64_t>(sizeof(float));
}

NetworkCandidates CompressionStudy::candidates(const CompressOptions& how) const {
  try {
    return NetworkCandidates(model_.net, model_.theta, how, inputs_);
  } catch (const ShapeError& error) {
    throw InputError(fmt::format("{}: {}", model_.name, error.what()));
  }
}

SavedModel CompressionStudy::model_of(const Network& net, const Tensors& theta) const {
  SavedModel model = model_;
  model.net = net;
  model.theta = theta;
  if (const auto* dense = std::get_if<MlpXt>(&net))
    model.settings["model.weights"] = dense->forms.empty() ? "dense" : texts_of(dense->forms);
  return model;
}

double CompressionStudy::distance(const SavedModel& other) const {
  double wrong = 0, size = 0;
  for (const Part& part : sample_) {
    const Tensor u = other.values(part.x, part.t, part.mu);
    for (std::int64_t i = 0; i < u.size(); ++i) {
      wrong += std::pow(u.at(i) - part.values.at(i), 2);
      size += std::pow(part.values.at(i), 2);
    }
  }
  return size > 0 ? std::sqrt(wrong / size) : std::sqrt(wrong);
}

CompressedModel CompressionStudy::compressed(const NetworkCandidates& candidates, const CompressOptions& how,
                                             const CompressionBudget& budget, bool details) const {
  CompressedModel made{
      .how = how, .budget = budget, .network = {}, .model = {}, .output_bound = NAN, .kernel_drift = NAN};
  made.network = budget.tolerance > 0 || how.by == CompressBy::int8 ? candidates.to_tolerance(budget.tolerance)
                                                                    : candidates.to_bytes(budget.bytes);
  made.model = model_of(made.network.net, made.network.theta);
  made.output_rel_l2 = distance(made.model);
  if (!details) return made;
  for (std::size_t l = 0; l < made.network.layers.size(); ++l) {
    const CompressedNetwork one = candidates.only(made.network, l);
    made.layer_rel_l2.push_back(distance(model_of(one.net, one.theta)));
  }
  const auto* stored = std::get_if<MlpXt>(&made.network.net);
  if (!stored) return made;
  const auto& before = std::get<MlpXt>(candidates.net());
  if (!model_.trial && before.out == 1) {  // the field is the network's output times a number
    double size = 0;
    for (const Part& part : sample_)
      size += dot(part.values.reshaped({part.values.size()}), part.values.reshaped({part.values.size()}));
    made.output_bound = made.network.output_bound * model_.scaling.size[0] / std::sqrt(size);
  }
  const std::int64_t n = inputs_.shape[0], few = std::min(kernel_points, n), d = inputs_.shape[1];
  Tensor at({few, d}, Dtype::f32);
  for (std::int64_t i = 0; i < few; ++i)
    std::copy_n(inputs_.data<float>() + i * n / few * d, d, at.mutable_data<float>() + i * d);
  const Tensor T = tangent_kernel(before.net(), candidates.theta(), at);
  Mlp dense = stored->net();
  const Tensors weights = with_dense_weights(dense, made.network.theta);
  dense.forms.clear();
  made.kernel_drift = norm((Var(T) - Var(tangent_kernel(dense, weights, at))).value()) / norm(T);
  return made;
}

double fine_tuning_rate(const Prepared& prepared) {
  const auto* dense = std::get_if<MlpXt>(&prepared.net);
  const bool sines = dense && dense->activation == Activation::sin;
  return sines ? std::min(1e-3, 1e-2 / dense->frequency) : 1e-3;
}

Tensors fine_tuned(const Prepared& p, const Network& net, Tensors theta, std::int64_t steps, double lr) {
  const Stream numbers(static_cast<std::uint64_t>(p.job.seed), "fine tuning");
  const Schedule rate{.kind = Schedule::Kind::cosine, .lr = lr, .epochs = static_cast<double>(steps)};
  Adam adam{.beta2 = .99};
  Tensors best = theta;
  double least = std::numeric_limits<double>::infinity();
  const auto descend = [&](std::int64_t k, auto&& loss) {
    const auto [value, gradient] = value_and_grad(loss, theta);
    if (value < least) {
      least = value;
      best = theta;
    }
    adam.lr = rate.at(static_cast<double>(k) + .5);
    adam.step(theta, gradient);
  };
  if (p.pinn) {
    std::shared_ptr<const PinnPoints> points;
    for (std::int64_t k = 0; k < steps; ++k) {
      if (k % p.pinn_options.redraw == 0)
        points = std::make_shared<const PinnPoints>(
            draw_points(*p.pinn, p.pinn_options.points, sampling_named(p.pinn_options.sampling),
                        numbers.child("points", static_cast<std::uint64_t>(k)), Dtype::f32));
      descend(k, [&](const Vars& at) { return pinn_loss(p.pinn, net, at, points); });
    }
    return best;
  }
  const FrameBatches batches = batches_of(p.recipe, p.set);
  const TrainingData data(p.set, p.scaling, p.set.training(), batches.stride, p.recipe.weighted);
  std::vector<FrameBatch> dealt;
  const std::int64_t per_epoch = batches.count(data.frames());
  for (std::int64_t k = 0; k < steps; ++k) {
    if (k % per_epoch == 0) dealt = batches.epoch(numbers.child("batches"), k / per_epoch, data.frames());
    const BatchLoss loss(p.recipe, net, data, Misfit{.kind = Misfit::Kind::squares},
                         data.tiles(dealt[static_cast<std::size_t>(k % per_epoch)], tile_rows));
    BatchLoss::Parts parts;
    descend(k, [&](const Vars& at) { return loss(at, parts); });
  }
  return best;
}

}  // namespace lowtide
