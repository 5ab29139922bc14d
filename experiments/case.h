// A case: a problem whose solution is learned. Its driver is one short file that says the mathematics;
// settings, progress, adaptive samples and the command line come from here.
//
//   LOWTIDE_CASE(burgers1d, "a shock that a rarefaction eats up") {
//     const std::int64_t cells = run.param("cells", run.preset(200, 1000), "cells");
//     const auto initial = [](double x) { return x < 0.5 ? 1.0 : 0.0; };
//     return run.snapshots(pde::Burgers<1>{}, pde::Grid1D{cells}, initial, {.t_end = 1});
//   }
#pragma once
#include <lowtide/experiments/ivp_options.h>
#include <lowtide/experiments/learning.h>
#include <lowtide/experiments/pinn_options.h>
#include <lowtide/pde/laws.h>
#include <lowtide/pde/snapshots.h>
#include <lowtide/run/settings.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lowtide {

enum class Preset { demo, study, paper };  // a minute on two cores; up to ten; the sizes of the paper
const char* name_of(Preset preset);
Preset preset_named(const std::string& name);  // InputError

// What a case says of itself beside law, grid and initial state; each can be overridden by a setting.
struct CaseDefaults {
  double t_end = 1;
  std::int64_t frames = 81;
  pde::Limiter limiter = pde::Limiter::mc;
  double dt_max = std::numeric_limits<double>::infinity();
  pde::Refinement refinement{};
  std::int64_t heldout = 8;  // every so many frames one is kept from training
};

class CaseRun {
 public:
  CaseRun(std::string name, Preset preset, Settings settings)
      : name_(std::move(name)), preset_(preset), settings_(std::move(settings)) {}

  // A setting of this case, with its default and a line of help.
  template <class T, class... Limits>
  auto param(const std::string& name, const T& standard, const std::string& help, Limits... limits) {
    return settings_.get(name, standard, help, limits...);
  }
  template <class T>
  T preset(T demo, T study, T paper) const {
    return preset_ == Preset::demo ? demo : preset_ == Preset::study ? study : paper;
  }
  template <class T>
  T preset(T demo, T paper) const {
    return preset(demo, demo, paper);
  }
  // How the case is learned; before snapshots().
  void learning(const Learning& learning) { learning_ = learning; }
  const Learning& learning() const { return learning_; }

  // The case is learned from its equation and not from data; before reference().
  void equation(Pinn pinn, const PinnOptions& options) {
    pinn_ = std::make_shared<const Pinn>(std::move(pinn));
    pinn_options_ = options;
  }
  const std::shared_ptr<const Pinn>& pinn() const { return pinn_; }
  const PinnOptions& pinn_options() const { return pinn_options_; }
  // The case is a network whose parameters follow its equation; before reference().
  void evolution(InitialValueProblem problem, const IvpOptions& options) {
    ivp_ = std::make_shared<const InitialValueProblem>(std::move(problem));
    ivp_options_ = options;
  }
  const std::shared_ptr<const InitialValueProblem>& ivp() const { return ivp_; }
  const IvpOptions& ivp_options() const { return ivp_options_; }
  // The solution that errors of such cases are measured against; all frames are held out unless it says so.
  Snapshots reference(const std::function<Snapshots()>& make);

  // What somebody else has made: load() gives it.
  Snapshots imported(const std::function<Snapshots()>& load);

  // Solves and samples, with progress on the terminal.
  template <class Initial>
  Snapshots snapshots(const pde::Law& law, pde::Grid grid, const Initial& initial,
                      const CaseDefaults& defaults) {
    const Plan plan = make_plan(grid, defaults);
    pde::Solver solver(law, grid, initial, plan.options.solver);
    return record(solver, plan);
  }

  const Settings& settings() const { return settings_; }
  Settings& settings() { return settings_; }

  struct Work {
    std::int64_t steps = 0, corrections = 0, cells = 0;
    double seconds = 0;
  };
  const Work& work() const { return work_; }

  void quiet() { quiet_ = true; }  // no progress
  // Asks for settings of its own, once the case has said how it is learned; before any work.
  void also_ask(std::function<void(CaseRun&)> ask) { also_ask_ = std::move(ask); }

  struct OnlySettings {};  // thrown in place of the solution
  void only_settings() { only_settings_ = true; }

 private:
  struct Plan {
    pde::Times times;
    pde::SnapshotOptions options;
    std::int64_t heldout;
  };
  Plan make_plan(pde::Grid& grid, const CaseDefaults& defaults);
  std::int64_t heldout(std::int64_t standard);
  void all_asked();
  Snapshots record(pde::Solver& solver, const Plan& plan);

  std::string name_;
  Preset preset_;
  Settings settings_;
  Work work_;
  Learning learning_;
  std::shared_ptr<const Pinn> pinn_;
  PinnOptions pinn_options_;
  std::shared_ptr<const InitialValueProblem> ivp_;
  IvpOptions ivp_options_;
  std::function<void(CaseRun&)> also_ask_;
  bool only_settings_ = false, quiet_ = false;
};

struct Case {
  const char *name, *about;
  Snapshots (*make)(CaseRun& run);
  const char* model = "lrnr";  // unless another is asked for
};

const std::vector<Case>& cases();            // by name
const Case& case_named(const std::string&);  // InputError

struct RegisteredCase {
  explicit RegisteredCase(const Case& registered);
};

}  // namespace lowtide

// A third argument: the model that is trained unless another is asked for.
#define LOWTIDE_CASE(name, about, ...)                              \
  static ::lowtide::Snapshots name##_case(::lowtide::CaseRun& run); \
  static const ::lowtide::RegisteredCase name##_registered(         \
      {#name, about, &name##_case __VA_OPT__(, ) __VA_ARGS__});     \
  static ::lowtide::Snapshots name##_case([[maybe_unused]] ::lowtide::CaseRun& run)
