#include <fmt/format.h>
#include <lowtide/experiments/pinn_options.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <cmath>

namespace lowtide {

PinnOptions pinn_options(Settings& s, const PinnOptions& standard, const Network& net) {
  PinnOptions o = standard;
  o.points = s.get("pinn.points", o.points, "of the equation, a step", 1, 10000000);
  o.sampling = s.get("pinn.sampling", o.sampling.c_str(), "sobol, uniform");
  sampling_named(o.sampling);
  o.redraw = s.get("pinn.redraw", o.redraw, "steps between two sets of points", 1);
  o.over =
      s.get("pinn.over", o.over, "candidates a point, of which residuals choose; 0: points as drawn", 0.0, 1e3);
  if (o.over > 0 && o.over < 1) throw InputError(fmt::format("setting pinn.over={}: 0 or at least 1", o.over));
  o.grow = s.get("pinn.grow", o.grow, "part of the steps in which the time that is learned grows", 0.0, 1.0);
  o.stretch =
      s.get("pinn.stretch", o.stretch, "how much faster than in space the network starts in time", 1e-3, 1e3);

  o.optimizer = s.get("optim.name", o.optimizer.c_str(), "soap, muon+soap, adam, ...");
  if (std::find(optimizer_names().begin(), optimizer_names().end(), o.optimizer) == optimizer_names().end() ||
      o.optimizer == "lbfgs")
    throw InputError(
        fmt::format("setting optim.name={}: soap, muon+soap, muon+adam, adam or sgd expected, and "
                    "train.lbfgs for L-BFGS afterwards",
                    o.optimizer));
  const auto* dense = std::get_if<MlpXt>(&net);
  if (dense && dense->activation == Activation::sin && dense->frequency > 1)
    o.lr = std::round(o.lr / dense->frequency * 1e7) / 1e7;
  o.lr = s.get("optim.lr", o.lr, "learning rate, which falls like a cosine", 1e-12, 1e3);
  o.steps = s.get("train.steps", o.steps, "steps", 0, 100000000);
  o.warmup = s.get("train.warmup", o.warmup, "steps of linear rise of the rate", 0);
  o.gauss_newton = s.get("train.gauss_newton", o.gauss_newton,
                         "steps of Gauss and Newton's method afterwards, in f64", 0, 1000000);
  o.lbfgs = s.get("train.lbfgs", o.lbfgs, "iterations of L-BFGS after that, in f64", 0, 100000000);
  if (dense) o.compression = training_compression(s, "steps", 200);
  if (o.compression.on() && o.gauss_newton + o.lbfgs > 0)
    throw InputError("compress.method is for steps of first order: set train.gauss_newton=0 and train.lbfgs=0");
  if (o.steps + o.gauss_newton + o.lbfgs < 1)
    throw InputError("no train.steps, train.gauss_newton or train.lbfgs: there is nothing to do");
  return o;
}

}  // namespace lowtide
