// How a network is trained on an equation.
#pragma once
#include <lowtide/physics/pinn.h>
#include <lowtide/run/settings.h>

#include <string>

namespace lowtide {

struct PinnOptions {
  std::int64_t points = 2000;  // of the equation a step (and a value of its parameters)
  std::string sampling = "sobol";
  std::int64_t redraw = 100;  // steps between two sets of points
  double over = 4;            // candidates for each point, of which residuals choose; 0: points as drawn

  std::string optimizer = "soap";
  double lr = 3e-3;
  std::int64_t steps = 8000;  // with a rate that falls like a cosine
  std::int64_t warmup = 100;
  std::int64_t lbfgs = 0;  // iterations of L-BFGS afterwards, in f64 on one set of points
};

// Asks for the settings "pinn.*", "train.*" and "optim.*". InputError for what cannot be.
PinnOptions pinn_options(Settings& settings, const PinnOptions& standard);

}  // namespace lowtide
