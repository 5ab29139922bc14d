#include <fmt/format.h>
#include <lowtide/experiments/evolve.h>
#include <lowtide/experiments/network_fit.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/physics/embedded_rk.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace lowtide {
namespace {

constexpr std::int64_t most_steps = 1000000;  // of the loop; it finishes before
constexpr std::int64_t most_in_a_row = 40;    // rejected
constexpr double fit_share = 0.1;             // of the progress bar

enum Phase : std::int64_t { fitting, moving, refitting };

// What can be saved between two steps, beside the fit.
struct State {
  std::int64_t phase = fitting;
  std::int64_t tried = 0, accepted = 0, rejected = 0, in_a_row = 0;
  std::int64_t next = 0;         // of the times
  std::int64_t points_used = 0;  // accepted steps with these points
  std::int64_t fits = 0, collapsed_at = -1;
  double t = 0, h = 0;
  double work = 0;               // since the last fit: products with M, times points
  double fit_work = 0;           // of all fits
  double largest = 0;            // of the sketch
  double iterations = 0;         // a solve, when the sketch was new
  Tensors tensors = Tensors(5);  // theta; the first stage; points; U and values of the sketch
  Tensors frames{};              // theta at the times so far

  Tensor& theta() { return tensors[0]; }
  Tensor& first() { return tensors[1]; }
  Tensor& points() { return tensors[2]; }
  Sketch sketch() const { return {.largest = largest, .f = {tensors[3], tensors[4]}}; }
  void keep(const Sketch& s) {
    largest = s.largest;
    tensors[3] = s.f.u;
    tensors[4] = s.f.values;
    iterations = 0;
  }

  template <class Visitor>
  void visit(Visitor&& see) {
    see("phase", phase);
    see("tried", tried);
    see("accepted", accepted);
    see("rejected", rejected);
    see("in_a_row", in_a_row);
    see("next", next);
    see("points_used", points_used);
    see("fits", fits);
    see("collapsed_at", collapsed_at);
    see("t", t);
    see("h", h);
    see("work", work);
    see("fit_work", fit_work);
    see("largest", largest);
    see("iterations", iterations);
    see("tensors", tensors);
    see("frames", frames);
  }
};

std::uint64_t index_of(std::int64_t i) { return static_cast<std::uint64_t>(i); }

double root_mean_square(const Tensor& x) { return norm(x) / std::sqrt(static_cast<double>(x.size())); }

class Evolution {
 public:
  Evolution(Run& run, const InitialValueProblem& problem, const IvpOptions& options,
            const std::vector<double>& times)
      : run_(run),
        o_(options),
        times_(times),
        method_(tableau_named(options.method)),
        dense_(projection_solver_named(options.solver) == ProjectionSolver::dense),
        u_(problem, network_of(problem, options), options.wide ? Dtype::f64 : Dtype::f32, options.per_tile) {}

  Evolved run() {
    for (Step& step : run_.steps(most_steps, state_, fit_)) {
      const State before = state_;
      const NetworkFit fit_before = fit_;
      const auto give_up = [&] {
        state_ = before;
        fit_ = fit_before;
        step.undone();
      };
      try {
        if (state_.phase == moving)
          move(step);
        else
          refit(step);
      } catch (const SolverError&) {
        give_up();
        throw;
      } catch (const NonFiniteError&) {
        give_up();
        throw;
      }
      if (state_.next == std::ssize(times_)) step.finish();
    }
    Evolved result{.net = u_.net, .times = from({std::ssize(times_)}, times_)};
    const std::int64_t p = u_.net.parameter_count();
    result.theta = Tensor({std::ssize(times_), p}, Dtype::f64);
    double* to = result.theta.mutable_data<double>();
    for (const Tensor& theta : state_.frames) to = std::copy_n(theta.data<double>(), p, to);
    return result;
  }

 private:
  // ---- fits ----

  Tensor target(const Tensor& x) const {
    return state_.phase == fitting ? u_.problem.initial(x) : u_.values(state_.tensors[0], x);
  }

  void refit(Step& step) {
    const auto goal = [&](const Tensor& x) { return target(x); };
    const Stream numbers = run_.rng("fit");
    if (!fit_.theta()) {
      fit_.number = state_.fits;
      start_fit(fit_, u_, o_, goal, state_.t, numbers);
      if (state_.fits == 0) state_.h = o_.first_step * times_.back();
    }
    const double before = fit_.work;
    const bool last = step_fit(fit_, u_, o_, goal, state_.t, numbers);
    count(step, fit_.work - before);
    if (state_.phase == fitting)
      step.part(fit_share * static_cast<double>(fit_.steps) /
                static_cast<double>(std::max<std::int64_t>(1, o_.fit_steps)));
    step.log({{"t", state_.t},
              {"fit", static_cast<double>(fit_.steps)},
              {"fit_error", fit_.error},
              {"damping", fit_.method.damping},
              {"gflop", run_.gflop()}});
    step.note(fmt::format("t {:.4g}  fit {} of {}  step {}  error {:.1e}", state_.t, fit_.number + 1,
                          state_.phase == fitting ? "the initial state" : "the field", fit_.steps, fit_.error));
    if (!last) return;
    if (state_.phase == fitting && !(fit_.error < 0.5))
      fail<SolverError>("evolve",
                        fmt::format("t = 0, step {}: the initial state is not fitted, error {:.2g}; a "
                                    "wider network or more ivp.fit_steps may help",
                                    fit_.steps, fit_.error));
    if (state_.phase == fitting || fit_.error <= o_.restart_tolerance) {
      state_.theta() = fit_.theta();
      state_.first() = state_.points() = Tensor();
      state_.keep({});
    }
    ++state_.fits;
    state_.fit_work += fit_.work;
    state_.work = 0;
    state_.phase = moving;
    fit_.tensors = Tensors(4);
    record(step);
  }

  // ---- steps of time ----

  // theta' at t; keeps the matrix and the rate for what is asked of them afterwards.
  Tensor rate(double t, const Tensor& theta) {
    matrix_.emplace(u_.jacobian(theta, state_.points()));
    f_ = u_.rate(theta, state_.points(), t);
    ++solves_;
    if (dense_) {
      const Tensor J = dense_jacobian(u_.field, theta, state_.points(), u_.dtype);
      work_ += static_cast<double>(theta.size());  // products with M that its columns are worth
      return guess_ = project_dense(J, f_, o_.shift);
    }
    if (!state_.sketch()) {
      const Sketch made =
          sketch_of(*matrix_, o_.rank, run_.rng("sketch").child("step", index_of(state_.tried)));
      state_.keep(made);
      work_ += static_cast<double>(made.products);
      fresh_sketch_ = true;
    }
    const Projection found = project(
        *matrix_, f_, state_.sketch(),
        {.shift = o_.shift, .tolerance = o_.cg_tolerance, .iterations = static_cast<int>(o_.cg_iterations)},
        guess_);
    iterations_ += found.iterations;
    residual_ = found.residual;
    work_ += static_cast<double>(found.products);
    return guess_ = found.rate;
  }

  void draw_points() {
    const auto missed = [&](const Tensor& x) { return u_.misfits(state_.theta(), guess_, x, state_.t); };
    state_.points() = u_.points(run_.rng("points").child("step", index_of(state_.tried)), o_.points, state_.t,
                                o_.adaptive, o_.over, missed);
    state_.points_used = 0;
    state_.first() = Tensor();
  }

  void move(Step& step) {
    solves_ = iterations_ = 0;
    work_ = 0;
    fresh_sketch_ = false;
    guess_ = state_.first();
    const double left = times_[static_cast<std::size_t>(state_.next)] - state_.t;
    const double h = state_.h >= left ? left : 2 * state_.h > left ? left / 2 : state_.h;
    RkStep moved;
    double ratio = 0;
    std::string reason;
    try {
      if (!state_.points() || state_.points_used >= o_.renew) draw_points();
      const auto f = [&](double t, const Tensor& theta) { return rate(t, theta); };
      if (!state_.first()) state_.first() = rate(state_.t, state_.theta());
      moved = rk_step(method_, f, state_.t, state_.theta(), h, state_.first());
      ratio =
          root_mean_square(matrix_->push(moved.error)) / (o_.tolerance * root_mean_square(matrix_->value()));
      if (!std::isfinite(ratio))
        reason = "the field is not finite";
      else if (ratio > 1)
        reason = fmt::format("error {:.1e} of what is allowed", ratio);
    } catch (const SolverError& e) {
      reason = e.what();
      ratio = INFINITY;
    } catch (const NonFiniteError& e) {
      reason = e.what();
      ratio = INFINITY;
    }
    ++state_.tried;
    count(step, work_ * static_cast<double>(o_.points));
    state_.work += work_ * static_cast<double>(o_.points);
    if (reason.empty())
      accept(step, moved, h, ratio);
    else
      reject(h, ratio, reason);
    matrix_.reset();
  }

  void accept(Step& step, const RkStep& moved, double h, double ratio) {
    const bool shortened = h < state_.h;
    state_.t += h;
    if (std::abs(state_.t - times_[static_cast<std::size_t>(state_.next)]) <= 1e-12 * times_.back())
      state_.t = times_[static_cast<std::size_t>(state_.next)];
    const double length = h * control_.factor(ratio, method_.order);
    state_.h = shortened ? std::max(state_.h, length) : length;
    state_.theta() = moved.y;
    state_.first() = moved.last;
    state_.in_a_row = 0;
    ++state_.accepted;
    ++state_.points_used;

    const Sketch sketch = state_.sketch();
    const double mean = static_cast<double>(iterations_) / std::max<double>(1, static_cast<double>(solves_));
    const double misfit = projection_misfit(*matrix_, f_, moved.last),
                 condition = dense_ ? 0 : sketch.condition(o_.shift * sketch.largest);
    step.part(fit_share + (1 - fit_share) * state_.t / times_.back());
    step.log({{"t", state_.t},
              {"h", h},
              {"error", ratio * o_.tolerance},
              {"misfit", misfit},
              {"cg", mean},
              {"cg_residual", residual_},
              {"condition", condition},
              {"accepted", static_cast<double>(state_.accepted)},
              {"rejected", static_cast<double>(state_.rejected)},
              {"fits", static_cast<double>(state_.fits)},
              {"gflop", run_.gflop()}});
    step.note(
        fmt::format("t {:.4g}  step {} ({} rejected)  h {:.1e}  cg {:.0f}  condition {:.0e}  misfit {:.1e}",
                    state_.t, state_.accepted, state_.rejected, h, mean, condition, misfit));

    if (fresh_sketch_ || state_.iterations == 0)
      state_.iterations = mean;
    else if (mean > o_.fresh_after * state_.iterations + 1)
      state_.keep({});
    record(step);
    if (o_.restart > 0 && state_.next < std::ssize(times_) &&
        state_.work > o_.restart * state_.fit_work / static_cast<double>(state_.fits))
      state_.phase = refitting;
  }

  void reject(double h, double ratio, const std::string& reason) {
    ++state_.rejected;
    ++state_.in_a_row;
    const bool failed = std::isinf(ratio);
    if (failed && !fresh_sketch_ && state_.sketch())
      state_.keep({});  // the sketch may be what is wrong; the same step again
    else
      state_.h = h * (failed ? 0.5 : std::min(0.9, control_.factor(ratio, method_.order)));
    if (state_.h >= o_.least_step * times_.back() && state_.in_a_row < most_in_a_row &&
        state_.tried < o_.max_steps)
      return;
    // Once more with a fresh network, if there may be one.
    if (o_.restart > 0 && state_.collapsed_at != state_.accepted && state_.tried < o_.max_steps) {
      state_.collapsed_at = state_.accepted;
      state_.h = o_.first_step * times_.back();
      state_.in_a_row = 0;
      state_.phase = refitting;
      return;
    }
    fail<SolverError>("evolve",
                      fmt::format("t = {:.6g}, step {}: no step is possible any more, the last was {:.1e} "
                                  "long: {}",
                                  state_.t, state_.accepted, h, reason));
  }

  // The state at those of the times that have been reached.
  void record(Step& step) {
    while (state_.next < std::ssize(times_) && times_[static_cast<std::size_t>(state_.next)] <= state_.t) {
      state_.frames.push_back(state_.theta());
      ++state_.next;
      if (o_.measure) {
        Numbers line{{"frame", static_cast<double>(state_.next - 1)}};
        for (const auto& number : o_.measure(u_.net, unflatten(state_.theta(), u_.field.like), state_.t))
          line.push_back(number);
        step.log(line);
      }
    }
  }

  // A push and a pull take 8 operations a parameter and point, forward and backward 6.
  void count(Step& step, double products_times_points) const {
    step.did(products_times_points, 8. / 6 * u_.net.flops(products_times_points));
  }

  Run& run_;
  const IvpOptions o_;
  const std::vector<double> times_;
  const Tableau& method_;
  const bool dense_;
  const MovingField u_;
  const StepControl control_{};
  State state_{};
  NetworkFit fit_{};

  // Of one step.
  std::optional<TiledJacobian> matrix_{};
  Tensor f_{}, guess_{};
  std::int64_t solves_ = 0, iterations_ = 0;
  double work_ = 0, residual_ = 0;
  bool fresh_sketch_ = false;
};

}  // namespace

Evolved evolve(Run& run, const InitialValueProblem& problem, const IvpOptions& options,
               const std::vector<double>& times) {
  if (times.empty() || !(times.front() >= 0) || !(times.back() > 0) ||
      !std::is_sorted(times.begin(), times.end()))
    fail<Error>("evolve", "the times must rise from 0 on");
  return Evolution(run, problem, options, times).run();
}

}  // namespace lowtide
