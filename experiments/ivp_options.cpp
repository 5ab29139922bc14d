#include <lowtide/experiments/ivp_options.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/io/file.h>
#include <lowtide/physics/embedded_rk.h>

namespace lowtide {
namespace {

// The name, or InputError if `find` does not know it.
template <class Find>
std::string known(const std::string& setting, const std::string& name, const Find& find) {
  try {
    find(name);
  } catch (const Error& e) {
    throw InputError(setting + ": " + e.what());
  }
  return name;
}

}  // namespace

IvpOptions ivp_options(Settings& settings, const IvpOptions& standard) {
  IvpOptions o = standard;
  const double none = 1e300;
  const Embedded net = embedded_from(
      settings, {.width = o.width, .depth = o.depth, .bands = o.bands, .decay = o.decay, .size = o.size});
  o.width = net.width;
  o.depth = net.depth;
  o.bands = net.bands;
  o.decay = net.decay;
  o.size = net.size;

  o.points = settings.get("ivp.points", o.points, "points at which the equation is to hold", 1, 1 << 24);
  o.adaptive = settings.get("ivp.adaptive", o.adaptive, "share of them that is drawn after the residual", 0, 1);
  o.over = settings.get("ivp.over", o.over, "candidates for each such point", 1, 1000);
  o.renew = settings.get("ivp.renew", o.renew, "steps between two sets of points", 1);
  o.per_tile = settings.get("ivp.per_tile", o.per_tile, "points in a tile of the matrix", 1);
  const std::string precision =
      settings.get("ivp.precision", o.wide ? "f64" : "f32", "of the network and of products with its matrix");
  if (precision != "f32" && precision != "f64")
    throw InputError("ivp.precision: '" + precision + "' is neither f32 nor f64");
  o.wide = precision == "f64";

  o.method =
      known("ivp.method", settings.get("ivp.method", o.method.c_str(), "of Runge and Kutta: rk23 or rk45"),
            [](const std::string& name) { return tableau_named(name).order; });
  o.tolerance = settings.get("ivp.tolerance", o.tolerance, "error of a step, relative to the field", 1e-15, 1);
  o.first_step =
      settings.get("ivp.first_step", o.first_step, "first step, in units of the whole time", 1e-12, 1);
  o.least_step = settings.get("ivp.least_step", o.least_step, "shortest step, likewise", 0, 1);
  o.max_steps = settings.get("ivp.max_steps", o.max_steps, "steps at most, tried ones included", 1);

  o.solver = known("ivp.solver",
                   settings.get("ivp.solver", o.solver.c_str(), "pcg: without a matrix; dense: for comparison"),
                   [](const std::string& name) { return projection_solver_named(name); });
  o.rank = settings.get("ivp.rank", o.rank, "rank of the preconditioner; 0: none", 0, 100000);
  o.fresh_after = settings.get("ivp.fresh_after", o.fresh_after,
                               "growth of iterations at which the preconditioner is made anew", 1, none);
  o.shift = settings.get("ivp.shift", o.shift, "mu, in units of the largest eigenvalue of M", 0, 1);
  o.cg_tolerance = settings.get("ivp.cg_tolerance", o.cg_tolerance, "residual of a solve, relative", 0, 1);
  o.cg_iterations =
      settings.get("ivp.cg_iterations", o.cg_iterations, "iterations of a solve at most", 1, 1000000);

  o.fit_points = settings.get("ivp.fit_points", o.fit_points, "points of a fit", 1, 1 << 24);
  o.fit_steps =
      settings.get("ivp.fit_steps", o.fit_steps, "steps of Levenberg and Marquardt in a fit", 0, 100000);
  o.fit_tolerance =
      settings.get("ivp.fit_tolerance", o.fit_tolerance, "error at which a fit ends, relative", 0, 1);
  o.restart = settings.get("ivp.restart", o.restart,
                           "work between two refits of a fresh network, in units of a fit's; 0: none", 0, none);
  o.restart_tolerance =
      settings.get("ivp.restart_tolerance", o.restart_tolerance, "error of a refit that is still taken", 0, 1);
  return o;
}

Embedded network_of(const InitialValueProblem& problem, const IvpOptions& o) {
  return {.in = problem.dims,
          .out = problem.fields,
          .width = o.width,
          .depth = o.depth,
          .bands = o.bands,
          .decay = o.decay,
          .size = o.size,
          .walls = problem.walls};
}

}  // namespace lowtide
