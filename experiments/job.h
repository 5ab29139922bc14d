// One training from its words to its model: which case, which model, which recipe, and the settings of all
// three. What `lowtide train` does.
#pragma once
#include <lowtide/experiments/ivp_options.h>
#include <lowtide/experiments/pinn_options.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/experiments/saved_model.h>
#include <lowtide/run/run.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lowtide {

// The settings "run.*".
struct Job {
  std::string case_name;  // "data": nothing but a file
  std::string model, preset, recipe;
  std::filesystem::path data;  // snapshots in place of the case's own; empty: the case's own
  std::int64_t seed = 0;
};

// Everything that is decided before the first step.
struct Prepared {
  Job job;
  Settings settings;  // all of them, resolved
  Recipe recipe;
  Network net;            // not of pod
  std::int64_t rank = 0;  // of pod
  InTime in_time = InTime::linear;
  std::shared_ptr<const Pinn> pinn{};  // of a case that is learned from its equation
  PinnOptions pinn_options{};
  std::shared_ptr<const InitialValueProblem> ivp{};  // of a case whose network follows its equation
  IvpOptions ivp_options{};
  Snapshots set;
  Scaling scaling;
};

// Asks for all settings, then solves or reads the data. InputError if a setting is wrong or unknown.
Prepared prepare(const Settings& settings, bool quiet = false);

// Everything but the data: what can be set, and its values.
Settings settings_of(const Settings& settings);

// The equation that the case of these settings is learned from; or none.
std::shared_ptr<const Pinn> pinn_of(const Settings& settings);
// What the case that these settings are of builds into the fields of models that learn its equation; or
// nothing.
std::function<Var(const Var& x, const Var& network)> built_in(const Settings& settings);

struct Outcome {
  SavedModel model;
  std::int64_t steps = 0;
};

// Trains in the run's folder, writes config.toml and model.safetensors.
Outcome train(Run& run, Prepared& prepared);

}  // namespace lowtide
