// How a network is trained on an equation.
#pragma once
#include <lowtide/experiments/training_compression.h>
#include <lowtide/physics/pinn.h>
#include <lowtide/run/settings.h>

#include <string>

namespace lowtide {

struct PinnOptions {
  std::int64_t points = 2000;  // of the equation a step (and a value of its parameters)
  std::string sampling = "sobol";
  std::int64_t redraw = 100;  // steps between two sets of points
  double over = 4;            // candidates for each point, of which residuals choose; 0: points as drawn
  // Part of the steps in which the time that is learned grows from its start to all of it, at a constant rate
  // of learning. Without that a network is soon content with a solution that dies out.
  double grow = 0;
  double stretch = 1;  // of the first layer's weights of time at the start: how much faster all is in time

  std::string optimizer = "soap";
  double lr = 3e-3;
  std::int64_t steps = 8000;  // with a rate that falls like a cosine
  std::int64_t warmup = 100;
  // Afterwards, in f64: steps of Gauss and Newton's method, each on points of its own; iterations of L-BFGS on
  // one set of points.
  std::int64_t gauss_newton = 0, lbfgs = 0;
  TrainingCompression compression{};  // of the steps of first order
};

// Asks for the settings "pinn.*", "train.*" and "optim.*". InputError for what cannot be. Sines of high
// frequency multiply what a step does to their weights, so that the default rate is divided by it.
PinnOptions pinn_options(Settings& settings, const PinnOptions& standard, const Network& net = MlpXt{});

}  // namespace lowtide
