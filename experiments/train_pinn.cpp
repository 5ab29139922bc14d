#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/experiments/train_pinn.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/gauss_newton.h>
#include <lowtide/optim/lbfgs.h>
#include <lowtide/physics/pinn_jacobian.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace lowtide {
namespace {

constexpr std::int64_t report_every = 100;  // steps
constexpr std::int64_t lbfgs_at_once = 10;  // iterations a step of the loop

// Mean squares of each term's residual, without weights.
Numbers term_means(const Pinn& pinn, const Network& net, const Tensors& theta, const PinnPoints& points) {
  const std::size_t count = points.pieces.size();
  std::vector<double> squares(count, 0.0);
  parallel_for(std::ssize(points.pieces), [&](std::int64_t k) {
    const PinnPoints::Piece& piece = points.pieces[static_cast<std::size_t>(k)];
    const Tensor r = residual_at(pinn, net, theta, piece.term, piece.x, piece.parameters);
    for (std::int64_t i = 0; i < r.size(); ++i) squares[static_cast<std::size_t>(k)] += r.at(i) * r.at(i);
  });
  std::vector<double> sums(pinn.terms.size(), 0.0), counts(pinn.terms.size(), 0.0);
  for (std::size_t k = 0; k < count; ++k) {
    sums[points.pieces[k].term] += squares[k];
    counts[points.pieces[k].term] += static_cast<double>(points.pieces[k].x.shape[0]);
  }
  Numbers means;
  for (std::size_t k = 0; k < sums.size(); ++k) means.emplace_back(pinn.terms[k].name, sums[k] / counts[k]);
  return means;
}

// The problem with the points of all terms in the first part of the time.
Pinn until(const Pinn& pinn, double part) {
  Pinn shorter = pinn;
  const double start = pinn.box.low.back(), end = start + part * (pinn.box.high.back() - start);
  for (PinnTerm& term : shorter.terms) term.box.high.back() = std::min(term.box.high.back(), end);
  return shorter;
}

// Weights of the last input, time, in the first layer.
void stretch(Tensors& theta, const Network& net, std::int64_t inputs, double factor) {
  if (factor == 1) return;
  const std::vector<std::string> names = parameter_names(net);
  for (std::size_t k = 0; k < theta.size(); ++k) {
    if (names[k] != "W1" && names[k] != "V1") continue;
    const std::int64_t width = theta[k].size() / theta[k].shape[0];
    float* row = theta[k].mutable_data<float>() + (inputs - 1) * width;
    for (std::int64_t i = 0; i < width; ++i) row[i] *= static_cast<float>(factor);
  }
}

// What a step of Gauss and Newton's method holds, in numbers of 8 bytes.
void check_memory(const PinnOptions& o, const Tensors& theta) {
  double parameters = 0;
  for (const Tensor& t : theta) parameters += static_cast<double>(t.size());
  const double numbers = static_cast<double>(o.points) * parameters;
  if (o.gauss_newton > 0 && numbers > 4e8)
    throw InputError(fmt::format(
        "train.gauss_newton={}: {} points and {} parameters make a matrix of {:.0f} GB; fewer of either",
        o.gauss_newton, o.points, parameters, numbers * 8e-9));
}

}  // namespace

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
  Tensors &theta = result.theta, fine;  // f32, and f64 once methods of second order are at work
  check_memory(o, theta);
  if (pinn->in_time()) stretch(theta, net, pinn->box.dims(), o.stretch);
  Recipe recipe;
  recipe.optimizer = o.optimizer;
  recipe.lr = o.lr;
  recipe.hyper_factor = 1;
  recipe.beta1 = o.optimizer == "adam" ? .9 : .95;
  recipe.beta2 = o.optimizer == "adam" ? .999 : .95;
  Grouped optimizer = optimizer_for(recipe, net, theta);
  const double growing = pinn->in_time() ? o.grow * static_cast<double>(o.steps) : 0;  // steps
  Schedule decay{.lr = o.lr, .epochs = static_cast<double>(o.steps) - growing};
  decay.kind = Schedule::Kind::cosine;
  const auto rate = [&](std::int64_t step) {
    const double e = static_cast<double>(step) + .5, warmup = static_cast<double>(o.warmup);
    return decay.at(std::max(0.0, e - growing)) * (e < warmup ? e / warmup : 1);
  };
  GaussNewton gauss_newton;
  Lbfgs lbfgs{.history = 50, .max_iterations = lbfgs_at_once, .max_evaluations = 5 * lbfgs_at_once};

  // A function of the network at the steps at which they are drawn: kept with it, so that a run goes on with
  // the same ones.
  Tensors drawn;
  std::shared_ptr<const PinnPoints> points;
  double flops = 0;
  const Sampling sampling = sampling_named(o.sampling);
  const std::int64_t before_lbfgs = o.steps + o.gauss_newton,
                     total = before_lbfgs + (o.lbfgs + lbfgs_at_once - 1) / lbfgs_at_once;
  // The points that are in use at a step, drawn at `first` and after the network `at` that was.
  const auto draw = [&](std::int64_t first, const Tensors& at) {
    const auto set = static_cast<std::uint64_t>(first < o.steps ? first / o.redraw : first + 1);
    const Stream stream = run.rng("points").child("set", set);
    constexpr double least = .05;
    const double part = growing > 0 ? least + (1 - least) * static_cast<double>(first) / growing : 1;
    const Pinn now = part < 1 ? until(*pinn, part) : *pinn;
    auto all = o.over > 0 && set > 0 ? draw_adaptive(now, net, at, o.points, o.over, sampling, stream)
                                     : draw_points(now, o.points, sampling, stream, at[0].dtype);
    flops = pinn_flops(*pinn, net, at, all);
    return std::make_shared<const PinnPoints>(std::move(all));
  };

  for (Step& step : run.steps(total, theta, optimizer, fine, gauss_newton, lbfgs, drawn)) {
    enum { first_order, by_gauss_newton, by_lbfgs } phase = first_order;
    std::int64_t first = step.index / o.redraw * o.redraw;  // step of these points
    if (step.index >= o.steps) phase = by_gauss_newton, first = step.index;
    if (step.index >= before_lbfgs) phase = by_lbfgs, first = before_lbfgs;
    if (phase != first_order && fine.empty())
      for (const Tensor& t : theta) fine.push_back(t.cast(Dtype::f64));
    Tensors& now = phase == first_order ? theta : fine;
    if (step.index == first) drawn = now;
    if (step.index == first || !points) points = draw(first, drawn);
    double loss = 0, sweeps = 1, algebra = 0;
    const auto objective = [&](const Tensors& at) {
      const auto loss_at = [&](const Vars& p) {
        const Var plain = pinn_loss(pinn, net, p, points);
        return o.compression.penalty > 0 ? plain + o.compression.penalty * rank_penalty(o.compression, net, p)
                                         : plain;
      };
      return value_and_grad(loss_at, at);
    };
    try {
      if (phase == first_order) {
        optimizer.lr = rate(step.index);
        const auto [value, gradient] = objective(theta);
        optimizer.step(theta, gradient);
        loss = value;
      } else if (phase == by_gauss_newton) {
        const PinnJacobian at = pinn_jacobian(*pinn, net, fine, *points);
        algebra = GaussNewton::flops(at.rows);
        gauss_newton.step(fine, at.rows, at.residuals,
                          [&](const Tensors& there) { return pinn_residuals(*pinn, net, there, *points); });
        loss = gauss_newton.value;
      } else {
        const std::int64_t before = lbfgs.evaluations;
        const LbfgsStop stop = lbfgs.minimize(fine, objective);
        loss = lbfgs.value;
        sweeps = static_cast<double>(lbfgs.evaluations - before);
        if (stop != LbfgsStop::iterations && stop != LbfgsStop::evaluations) step.finish();
      }
      if (phase != first_order)
        for (std::size_t k = 0; k < theta.size(); ++k) theta[k] = fine[k].cast(Dtype::f32);
      step.did(sweeps * static_cast<double>(points->count), sweeps * flops + algebra);
    } catch (const NonFiniteError& e) {
      throw NonFiniteError(fmt::format("{} in step {}; a smaller optim.lr often helps", e.what(), step.index));
    }
    Numbers compression;
    if (o.compression.on() && ((step.index + 1) % o.compression.every == 0 || step.last()))
      compression = compress_in_training(o.compression, net, theta, loss);
    if (phase != first_order || step.last() || (step.index + 1) % report_every == 0 || !compression.empty()) {
      Numbers line{{"loss", loss}, {"lr", phase == first_order ? optimizer.lr : 0}};
      const Numbers terms = term_means(*pinn, net, now, *points);
      line.insert(line.end(), terms.begin(), terms.end());
      line.insert(line.end(), compression.begin(), compression.end());
      step.log(line);
      // While the time grows, an early loss is one of less.
      if (static_cast<double>(step.index) >= growing) step.score(loss);
    }
    if (step.note_due()) {
      constexpr const char* names[] = {"", "  Gauss-Newton", "  L-BFGS"};
      step.note(fmt::format("loss {:.2e}{}", loss, names[phase]));
    }
  }
  result.steps = run.step();
  if (o.compression.on())
    std::tie(result.net.emplace(), result.theta) = stored_in_blocks(o.compression, net, theta);
  return result;
}

}  // namespace lowtide
