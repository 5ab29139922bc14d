#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/experiments/batch_loss.h>
#include <lowtide/experiments/head.h>
#include <lowtide/experiments/train.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace lowtide {
namespace {

// What goes on from step to step, beside theta and the optimizer.
struct Progression {
  double rate = 0;  // under the plateau's control
  MisfitSwitch turn{};
  ReduceLROnPlateau plateau = paper_plateau();
  std::int64_t absolute_since = -1;                    // epoch; before it q = 2
  double loss = 0, misfit = 0, sparse = 0, ortho = 0;  // sums over the steps of this epoch

  template <class Visitor>
  void visit(Visitor&& see) {
    const auto below = [&](const char* whole) {
      return [&see, whole](std::string_view name, auto& part) { see(std::string(whole).append(name), part); };
    };
    see("rate", rate);
    see("absolute_since", absolute_since);
    turn.visit(below("turn."));
    plateau.visit(below("plateau."));
    see("loss", loss);
    see("misfit", misfit);
    see("sparse", sparse);
    see("ortho", ortho);
  }
};

// Of the epochs with q = 2, or of the `left` ones with q = 1.
Schedule schedule_of(const Recipe& r, bool absolute, std::int64_t left = 0) {
  const std::int64_t epochs = absolute ? left : r.epochs;
  Schedule schedule{.lr = absolute ? r.l1_lr : r.lr,
                    .epochs = static_cast<double>(epochs),
                    .warmup = absolute ? 0 : r.warmup,
                    .floor = absolute ? std::max(r.floor, .02) : r.floor,
                    .every = std::max(1.0, static_cast<double>(epochs) / 4)};
  schedule.kind = r.schedule == "linear"   ? Schedule::Kind::linear
                  : r.schedule == "cosine" ? Schedule::Kind::cosine
                  : r.schedule == "step"   ? Schedule::Kind::step
                                           : Schedule::Kind::constant;
  return schedule;
}

// The recipe with as many epochs as its work is enough for: one at least.
Recipe within_work(Recipe r, const Network& net, const TrainingData& data, const std::vector<FrameBatch>& epoch,
                   const Tensors& theta) {
  if (!(r.gflop > 0)) return r;
  double flops = 0;
  for (const FrameBatch& batch : epoch)
    flops += BatchLoss(r, net, data, Misfit{}, data.tiles(batch, tile_rows)).flops(theta);
  const double all = std::clamp(r.gflop * 1e9 / flops, 1.0, 1e8),
               absolute = all * static_cast<double>(r.l1_epochs) / static_cast<double>(r.epochs + r.l1_epochs);
  r.l1_epochs = std::lround(absolute);
  r.epochs = std::max<std::int64_t>(1, std::lround(all - absolute));
  return r;
}

double ortho_floor(const Network& net, const Recipe& recipe, const Tensors& theta) {
  const auto factors = low_rank(net);
  if (!factors || recipe.gram == Gram::smaller) return 0;
  std::vector<Shape> shapes;
  for (std::size_t k = 0; k < factors->parameter_tensors(); ++k) shapes.push_back(theta[k].shape);
  return orthogonality_floor(shapes);
}

}  // namespace

FrameBatches batches_of(const Recipe& recipe, const Snapshots& set) {
  if (recipe.batch != "auto") return FrameBatches::parse(recipe.batch);
  constexpr double wanted = 2000;
  std::int64_t points = 0, least = INT64_MAX;
  for (const std::int64_t k : set.training()) {
    points += set.values(k).shape[0];
    least = std::min(least, set.values(k).shape[0]);
  }
  const auto stride = std::max<std::int64_t>(10, std::lround(static_cast<double>(points) / wanted));
  return {std::ssize(set.training()), std::min(stride, std::max<std::int64_t>(1, least / 10))};
}

Tensors first_parameters(const Run& run, const Recipe& recipe, const Network& net, const TrainingData& data) {
  Tensors theta = init(net, run.rng("init"));
  if (!(recipe.output_scale > 0)) return theta;
  const auto factors = low_rank(net);
  if (!factors) throw InputError("init.scale is for low-rank models; set it to 0");
  double square = 0, count = 0;
  for (std::int64_t f = 0; f < data.frames(); ++f) {
    const Tensor y = data.whole(f).y;
    for (std::int64_t i = 0; i < y.size(); ++i) square += y.at(i) * y.at(i);
    count += static_cast<double>(y.size());
  }
  const Tensor s = coefficients_at_times(net, Vars(theta.begin(), theta.end()), Var(data.times())).value();
  scale_output(*factors, theta, data.whole(0).x, s, recipe.output_scale * std::sqrt(square / count));
  return theta;
}

Trained train(Run& run, const Recipe& given, const Network& net, const Snapshots& set, const Scaling& scaling) {
  if (set.training().empty()) throw InputError("no frame is left to train on: all are held out");
  if (given.optimizer == "lbfgs") return train_by_lbfgs(run, given, net, set, scaling);
  if (given.head_every > 0) network_with_head(net);
  const FrameBatches batches = batches_of(given, set);
  TrainingData data(set, scaling, set.training(), batches.stride, given.weighted);
  const TrainingData exact = data, held_out(set, scaling, set.held_out(), 1, false);  // never mollified
  Trained result{first_parameters(run, given, net, data)};
  Tensors& theta = result.theta;
  const Stream order = run.rng("batches");
  const Recipe recipe = within_work(given, net, data, batches.epoch(order, 0, data.frames()), theta);
  Grouped optimizer = optimizer_for(recipe, net, theta);
  Progression now{.rate = recipe.lr, .turn = {.tau = recipe.tau, .lr = recipe.l1_lr}};

  const std::int64_t per_epoch = batches.count(data.frames()), epochs = recipe.epochs + recipe.l1_epochs;
  const Schedule squares = schedule_of(recipe, false);
  std::vector<FrameBatch> dealt;
  std::int64_t dealt_for = -1;

  for (Step& step : run.steps(epochs * per_epoch, theta, optimizer, now)) {
    const std::int64_t epoch = step.index / per_epoch, turn = step.index % per_epoch;
    const double width = mollifier_width(recipe.mollifier, epoch, epochs);
    if (epoch != dealt_for) {
      dealt = batches.epoch(order, epoch, data.frames());
      dealt_for = epoch;
      data.mollify(width);
    }
    Misfit kind{.kind = Misfit::Kind::squares, .delta = recipe.charbonnier};
    const bool absolute = now.absolute_since >= 0;
    if (absolute) kind.kind = recipe.charbonnier > 0 ? Misfit::Kind::charbonnier : Misfit::Kind::absolute;
    const double part = (static_cast<double>(turn) + .5) / static_cast<double>(per_epoch);
    optimizer.lr = recipe.schedule == "plateau" ? now.rate
                   : absolute                   ? schedule_of(recipe, true, epochs - now.absolute_since)
                                    .at(static_cast<double>(epoch - now.absolute_since) + part)
                              : squares.at(static_cast<double>(epoch) + part);

    const BatchLoss loss(recipe, net, data, kind, data.tiles(dealt[static_cast<std::size_t>(turn)], tile_rows));
    BatchLoss::Parts parts;
    try {
      const auto [value, gradient] = value_and_grad([&](const Vars& p) { return loss(p, parts); }, theta);
      optimizer.step(theta, gradient);
      now.loss += value;
    } catch (const NonFiniteError& e) {
      throw NonFiniteError(fmt::format("{} in step {} (epoch {}); a smaller optim.lr often helps", e.what(),
                                       step.index, epoch + 1));
    }
    step.did(loss.points(), loss.flops(theta));
    now.misfit += parts.misfit;
    now.sparse += parts.sparse;
    now.ortho += parts.ortho;
    if (turn + 1 < per_epoch) continue;
    Numbers compression;
    if (const TrainingCompression& how = recipe.compression;
        how.on() && ((epoch + 1) % how.every == 0 || step.last()))
      compression = compress_in_training(how, net, theta, now.misfit / static_cast<double>(per_epoch));
    if (recipe.head_every > 0 && !absolute && (epoch + 1) % recipe.head_every == 0)
      solve_head(net, theta, data);

    const double share = 1 / static_cast<double>(per_epoch), mean_loss = now.loss * share,
                 mean_misfit = now.misfit * share;
    Numbers line{{"epoch", static_cast<double>(epoch + 1)},
                 {"loss", mean_loss},
                 {"misfit", mean_misfit},
                 {"q", absolute ? 1 : 2},
                 {"mollifier", width},
                 {"lr", optimizer.lr},
                 {"gflop", run.gflop()}};
    if (recipe.sparse > 0) line.emplace_back("sparse", now.sparse * share);
    if (recipe.ortho > 0) line.emplace_back("ortho", now.ortho * share - ortho_floor(net, recipe, theta));
    line.insert(line.end(), compression.begin(), compression.end());
    if (step.last() || (recipe.evaluate_every > 0 && (epoch + 1) % recipe.evaluate_every == 0)) {
      const PlainErrors all = errors(net, theta, exact);
      line.insert(line.end(), {{"train_mse", all.mse}, {"train_l1", all.l1}});
      if (held_out.frames() > 0) {
        const PlainErrors unseen = errors(net, theta, held_out);
        line.insert(line.end(), {{"heldout_mse", unseen.mse}, {"heldout_l1", unseen.l1}});
      }
    }
    step.log(line);
    if (width == 0) step.score(std::pow(mean_misfit, absolute ? 1 : .5));  // of one size for both q
    step.note(fmt::format("epoch {}  loss {:.2e}  misfit {:.2e}  q {}  w {:.3f}  lr {:.1e}", epoch + 1,
                          mean_loss, mean_misfit, absolute ? 1 : 2, width, optimizer.lr));
    now.loss = now.misfit = now.sparse = now.ortho = 0;

    const bool after_epochs = recipe.l1_epochs > 0 && epoch + 1 == recipe.epochs;
    if (after_epochs) now.turn.tau = std::numeric_limits<double>::infinity();
    if ((recipe.tau > 0 || after_epochs) && now.turn.update(mean_misfit, epoch, now.rate, &now.plateau))
      now.absolute_since = epoch + 1;  // this loss was of squares: the plateau must not remember it
    else if (recipe.schedule == "plateau")
      now.plateau.step(mean_loss, now.rate);
  }
  result.steps = epochs * per_epoch;
  if (recipe.compression.on())
    std::tie(result.net.emplace(), result.theta) = stored_in_blocks(recipe.compression, net, theta);
  return result;
}

}  // namespace lowtide
