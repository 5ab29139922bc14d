#include <fmt/format.h>
#include <lowtide/experiments/batch_loss.h>
#include <lowtide/experiments/train.h>
#include <lowtide/io/file.h>
#include <lowtide/optim/lbfgs.h>

namespace lowtide {

// On the whole set, squares only; an epoch is ten iterations.
Trained train_by_lbfgs(Run& run, const Recipe& recipe, const Network& net, const Snapshots& set,
                       const Scaling& scaling) {
  if (recipe.gflop > 0)
    throw InputError("setting train.gflop: the work of an iteration of lbfgs is not known beforehand");
  const TrainingData data(set, scaling, set.training(), 1, recipe.weighted);
  Trained result{first_parameters(run, recipe, net, data)};
  Tensors& theta = result.theta;
  FrameBatch all;
  for (std::int64_t f = 0; f < data.frames(); ++f) all.frames.push_back(f);
  const BatchLoss loss(recipe, net, data, Misfit{}, data.tiles(all, tile_rows));
  Lbfgs lbfgs{.max_iterations = 10, .max_evaluations = 50};

  for (Step& step : run.steps(recipe.epochs, theta, lbfgs)) {
    const std::int64_t before = lbfgs.evaluations;
    BatchLoss::Parts parts;
    const LbfgsStop stop = lbfgs.minimize(theta, [&](const Tensors& at) {
      return value_and_grad([&](const Vars& p) { return loss(p, parts); }, at);
    });
    const auto evaluations = static_cast<double>(lbfgs.evaluations - before);
    step.did(evaluations * loss.points(), evaluations * loss.flops(theta));
    const PlainErrors errors_now = errors(net, theta, data);
    step.log({{"epoch", static_cast<double>(step.index + 1)},
              {"loss", lbfgs.value},
              {"misfit", errors_now.mse},
              {"q", 2},
              {"evaluations", static_cast<double>(lbfgs.evaluations)},
              {"gflop", run.gflop()},
              {"train_mse", errors_now.mse},
              {"train_l1", errors_now.l1}});
    step.score(lbfgs.value);
    step.note(fmt::format("loss {:.2e}", lbfgs.value));
    result.stop = text_of(stop);
    if (stop != LbfgsStop::iterations && stop != LbfgsStop::evaluations) step.finish();
  }
  result.steps = run.step();
  return result;
}

}  // namespace lowtide
