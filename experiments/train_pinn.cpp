#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/experiments/train_pinn.h>
#include <lowtide/io/file.h>
#include <lowtide/optim/lbfgs.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t report_every = 100;  // steps
constexpr std::int64_t lbfgs_at_once = 10;  // iterations a step of the loop

// Mean squares of each term's residual, without weights.
Numbers term_means(const Pinn& pinn, const Network& net, const Tensors& theta, const PinnPoints& points) {
  std::vector<double> sums(pinn.terms.size(), 0.0), counts(pinn.terms.size(), 0.0);
  for (const PinnPoints::Piece& piece : points.pieces) {
    const Tensor r = residual_at(pinn, net, theta, piece.term, piece.x, piece.parameters);
    for (std::int64_t i = 0; i < r.size(); ++i) sums[piece.term] += r.at(i) * r.at(i);
    counts[piece.term] += static_cast<double>(r.shape[0]);
  }
  Numbers means;
  for (std::size_t k = 0; k < sums.size(); ++k) means.emplace_back(pinn.terms[k].name, sums[k] / counts[k]);
  return means;
}

}  // namespace

PinnOptions pinn_options(Settings& s, const PinnOptions& standard) {
  PinnOptions o = standard;
  o.points = s.get("pinn.points", o.points, "of the equation, a step", 1, 10000000);
  o.sampling = s.get("pinn.sampling", o.sampling.c_str(), "sobol, uniform");
  sampling_named(o.sampling);
  o.redraw = s.get("pinn.redraw", o.redraw, "steps between two sets of points", 1);
  o.over =
      s.get("pinn.over", o.over, "candidates a point, of which residuals choose; 0: points as drawn", 0.0, 1e3);
  if (o.over > 0 && o.over < 1) throw InputError(fmt::format("setting pinn.over={}: 0 or at least 1", o.over));
  o.optimizer = s.get("optim.name", o.optimizer.c_str(), "soap, muon+soap, adam, ...");
  if (std::find(optimizer_names().begin(), optimizer_names().end(), o.optimizer) == optimizer_names().end() ||
      o.optimizer == "lbfgs")
    throw InputError(
        fmt::format("setting optim.name={}: soap, muon+soap, muon+adam, adam or sgd expected, and "
                    "train.lbfgs for L-BFGS afterwards",
                    o.optimizer));
  o.lr = s.get("optim.lr", o.lr, "learning rate, which falls like a cosine", 1e-12, 1e3);
  o.steps = s.get("train.steps", o.steps, "steps", 0, 100000000);
  o.warmup = s.get("train.warmup", o.warmup, "steps of linear rise of the rate", 0);
  o.lbfgs = s.get("train.lbfgs", o.lbfgs, "iterations of L-BFGS afterwards, in f64", 0, 100000000);
  if (o.steps + o.lbfgs < 1) throw InputError("neither train.steps nor train.lbfgs: there is nothing to do");
  return o;
}

Scaling scaling_of(const Pinn& pinn) {
  Scaling scaling{.fields = pinn.fields, .size = std::vector<double>(pinn.fields.size(), 1.0)};
  const auto ranges = [](const Box& box) {
    std::vector<Range> all;
    for (std::size_t k = 0; k < box.low.size(); ++k) all.push_back({box.low[k], box.high[k]});
    return all;
  };
  scaling.x = ranges(pinn.box);
  scaling.t = {{0, 0}};
  if (pinn.in_time()) {
    scaling.t = {scaling.x.back()};
    scaling.x.pop_back();
  }
  const std::vector<Range> parameters = ranges(pinn.parameter_box);
  scaling.t.insert(scaling.t.end(), parameters.begin(), parameters.end());
  return scaling;
}

Trained train_pinn(Run& run, const PinnOptions& o, const std::shared_ptr<const Pinn>& pinn,
                   const Network& net) {
  Trained result{init(net, run.rng("init"))};
  Tensors &theta = result.theta, fine;  // f32, and f64 once L-BFGS is at work
  Recipe recipe;
  recipe.optimizer = o.optimizer;
  recipe.lr = o.lr;
  recipe.hyper_factor = 1;
  recipe.beta1 = o.optimizer == "adam" ? .9 : .95;
  recipe.beta2 = o.optimizer == "adam" ? .999 : .95;
  Grouped optimizer = optimizer_for(recipe, net, theta);
  Schedule schedule{
      .lr = o.lr, .epochs = static_cast<double>(o.steps), .warmup = static_cast<double>(o.warmup)};
  schedule.kind = Schedule::Kind::cosine;
  Lbfgs lbfgs{.history = 50, .max_iterations = lbfgs_at_once, .max_evaluations = 5 * lbfgs_at_once};

  // A function of the network at the steps at which they are drawn: kept with it, so that a run goes on with
  // the same ones.
  Tensors drawn;
  std::shared_ptr<const PinnPoints> points;
  const Sampling sampling = sampling_named(o.sampling);
  const std::int64_t total = o.steps + (o.lbfgs + lbfgs_at_once - 1) / lbfgs_at_once;
  const auto draw = [&](std::int64_t set, const Tensors& at) {
    const Stream stream = run.rng("points").child("set", static_cast<std::uint64_t>(set));
    return std::make_shared<const PinnPoints>(
        o.over > 0 && set > 0 ? draw_adaptive(*pinn, net, at, o.points, o.over, sampling, stream)
                              : draw_points(*pinn, o.points, sampling, stream, at[0].dtype));
  };

  for (Step& step : run.steps(total, theta, optimizer, fine, lbfgs, drawn)) {
    const bool second = step.index >= o.steps;
    const std::int64_t set = second ? -1 : step.index / o.redraw;
    const bool fresh = step.index == o.steps || (!second && step.index % o.redraw == 0);
    if (second && fine.empty())
      for (const Tensor& t : theta) fine.push_back(t.cast(Dtype::f64));
    Tensors& now = second ? fine : theta;
    if (fresh) drawn = now;
    if (fresh || !points) points = draw(second ? o.steps + 1 : set, drawn);
    double loss = 0;
    const auto objective = [&](const Tensors& at) {
      return value_and_grad([&](const Vars& p) { return pinn_loss(pinn, net, p, points); }, at);
    };
    try {
      if (second) {
        const std::int64_t before = lbfgs.evaluations;
        const LbfgsStop stop = lbfgs.minimize(fine, objective);
        loss = lbfgs.value;
        step.did(static_cast<double>((lbfgs.evaluations - before) * points->count), 0);
        if (stop != LbfgsStop::iterations && stop != LbfgsStop::evaluations) step.finish();
        for (std::size_t k = 0; k < theta.size(); ++k) theta[k] = fine[k].cast(Dtype::f32);
      } else {
        optimizer.lr = schedule.at(static_cast<double>(step.index) + .5);
        const auto [value, gradient] = objective(theta);
        optimizer.step(theta, gradient);
        loss = value;
        step.did(static_cast<double>(points->count), 0);
      }
    } catch (const NonFiniteError& e) {
      throw NonFiniteError(fmt::format("{} in step {}; a smaller optim.lr often helps", e.what(), step.index));
    }
    if (second || step.last() || (step.index + 1) % report_every == 0) {
      Numbers line{{"loss", loss}, {"lr", second ? 0 : optimizer.lr}};
      const Numbers terms = term_means(*pinn, net, now, *points);
      line.insert(line.end(), terms.begin(), terms.end());
      step.log(line);
      step.score(loss);
    }
    if (step.note_due()) step.note(fmt::format("loss {:.2e}{}", loss, second ? "  L-BFGS" : ""));
  }
  result.steps = run.step();
  return result;
}

}  // namespace lowtide
