// The numbers of a solution of an initial-value problem by a network whose parameters move.
#pragma once
#include <lowtide/models/embedded.h>
#include <lowtide/physics/dirac_frenkel.h>
#include <lowtide/physics/initial_value.h>
#include <lowtide/run/run.h>
#include <lowtide/run/settings.h>

#include <functional>
#include <string>

namespace lowtide {

struct IvpOptions {
  std::int64_t width = 64, depth = 4, bands = 3;
  double decay = 1, size = 6;

  // Points at which the equation holds: `adaptive` of them drawn after the residual, of `over` times as many.
  std::int64_t points = 4000;
  double adaptive = 0.5, over = 5;
  std::int64_t renew = 1;       // steps between two sets of points
  bool wide = false;            // f64 in the network and the products with M as well
  std::int64_t per_tile = 250;  // points

  std::string method = "rk23";
  double tolerance = 5e-5;   // of a step, on the field relative to itself
  double first_step = 1e-3;  // in units of the whole time
  double least_step = 1e-7;  // likewise: shorter ones mean that it has failed
  std::int64_t max_steps = 100000;

  std::string solver = "pcg";
  std::int64_t rank = 100;   // of the preconditioner; 0: none
  double fresh_after = 1.6;  // the sketch is made anew when a solve takes this many times the iterations
  double shift = 1e-8;       // mu in units of M's largest eigenvalue
  double cg_tolerance = 3e-5;
  std::int64_t cg_iterations = 100;

  // The fit of the initial state, and restarts: a fresh network is fitted to the field once the work since the
  // last one is `restart` times that of a fit on average. 0: never. Work is counted, in products with M.
  std::int64_t fit_points = 4000, fit_steps = 60;
  double fit_tolerance = 1e-4;  // relative
  double restart = 0;
  double restart_tolerance = 3e-3;  // a refit that is worse is not taken

  // What else is to be logged of the field at each of the times asked for.
  std::function<Numbers(const Embedded& net, const Tensors& parameters, double t)> measure{};
};

// Asks for the settings "model.*" and "ivp.*". InputError for what cannot be.
IvpOptions ivp_options(Settings& settings, const IvpOptions& standard);

Embedded network_of(const InitialValueProblem& problem, const IvpOptions& options);

}  // namespace lowtide
