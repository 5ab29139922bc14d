// A trained low-rank model moved on by its equation, in the coordinates c of its hypermodes: s = Phi c, and c
// follows the condition of Dirac and Frenkel, that u_t = (du/dc) c' is as near to f(u) as the tangents allow,
//
//   min over c' of  sum_i w_i | (du/dc)(x_i) c' - f(u)(x_i) |^2,
//
// at points x_i (Neural Galerkin schemes: Bruna, Peherstorfer, Vanden-Eijnden 2024). A handful of unknowns, so
// that the least squares are small and dense; points chosen by empirical interpolation of tangents and f.
#pragma once
#include <lowtide/experiments/low_rank_model.h>
#include <lowtide/physics/equations.h>
#include <lowtide/reduction/hypermodes.h>
#include <lowtide/reduction/mode_tangents.h>
#include <lowtide/reduction/row_selection.h>

namespace lowtide {

// How f is evaluated: from the network's derivatives, or as differences of numerical fluxes between its values.
enum class Form : std::uint8_t { strong, flux };
const char* name_of(Form form);
Form form_named(const std::string& name);  // InputError

struct ModeProblem {
  LowRankModel model{};
  Tensor modes{};  // Phi (k,r)
  Tensor sizes{};  // (r), how far each coordinate goes, by which the least squares are regularized
  Equation equation;
  pde::Grid grid{};
  Form form = Form::flux;
  pde::Limiter limiter = pde::Limiter::mc;
  double regularization = 1e-4;

  std::int64_t count() const { return modes.shape[1]; }
  // At physical points x (n,d), c (r); fields divided by their size, as the network gives them, times physical.
  Tensor field(const Tensor& x, const Tensor& c) const;           // (n,c)
  Tensor rate(const Tensor& x, const Tensor& c, double t) const;  // f (n,c)
  ModeTangents tangents(const Tensor& x, const Tensor& c) const;
  Tensor coordinates_at(double t) const;  // those of the trained model (r)
};
// The leading `count` modes; 0: those that count. `snapshots` times of the training window.
ModeProblem mode_problem(const LowRankModel& model, const Equation& equation, const pde::Grid& grid, Form form,
                         std::int64_t count, std::int64_t snapshots = 401);

// x of the smallest |A D^-1 (D x) - b|^2 + (regularization sigma_1)^2 |x|^2 in units of D = diag(sizes), by a
// QR factorization and the singular values of its R.
struct Fit {
  Tensor x{};            // (r)
  double condition = 1;  // of A D, before it is regularized
  double residual = 0;   // |A x - b| / |b|
};
Fit regularized_fit(const Tensor& a, const Tensor& b, const Tensor& sizes, double regularization);

// c' at c (r); the points count alike.
Fit velocity(const ModeProblem& problem, const Tensor& x, const Tensor& c, double t);

// The coordinates near `c` at which the network is nearest to u (n,c) at x (Gauss and Newton, with halved
// steps).
Tensor nearest_coordinates(const ModeProblem& problem, const Tensor& x, const Tensor& u, Tensor c,
                           int steps = 30);

// Of candidates (m,d) the `count` points at which tangents and f at the given states (T,r) and times (T) are
// known best: rows of the singular vectors of all of these, each divided by its length.
std::vector<std::int64_t> chosen_points(const ModeProblem& problem, const Tensor& candidates, const Tensor& c,
                                        const std::vector<double>& times, std::int64_t count,
                                        Selector selector = Selector::s_opt);

struct EvolveOptions {
  double tolerance = 1e-4;        // of an integrator's step, of the field's size
  std::int64_t max_steps = 4000;  // in all, rejected ones too
  std::int64_t refresh = 0;       // points chosen anew at every time, so many; 0: never
};
struct ModePath {
  Tensor times{};   // (T') of those asked for, as far as it came
  Tensor states{};  // (T',r)
  std::int64_t steps = 0, rejected = 0, rates = 0;
  double seconds = 0, condition = 0, residual = 0;  // the largest condition, the mean residual
  std::string stopped{};                            // why before the end; empty: it is there
};
// From c (r) at the first of the times on. With refresh, out of `candidates`; else at `x` always.
ModePath evolved(const ModeProblem& problem, const Tensor& x, const Tensor& candidates, const Tensor& c,
                 const std::vector<double>& times, const EvolveOptions& options = {});

// y' = f(t,y) through the times, in steps whose error, in the norm |weights o error|, stays below the
// tolerance. What f throws as a NonFiniteError or SolverError ends it, as a step that collapses does.
ModePath integrated(const std::function<Tensor(double t, const Tensor& y)>& f, const Tensor& y,
                    const Tensor& weights, const std::vector<double>& times, const EvolveOptions& options,
                    const std::function<void(double t, const Tensor& y)>& at_time = {});

}  // namespace lowtide
