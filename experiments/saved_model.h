// A trained model as a file: safetensors, whose header tells what it is and how its inputs and outputs are
// scaled. Whoever has the file can evaluate it.
#pragma once
#include <lowtide/experiments/scaling.h>
#include <lowtide/models/embedded.h>
#include <lowtide/models/network.h>
#include <lowtide/models/pod.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace lowtide {

struct SavedModel {
  std::string name;                               // "lrnr"
  std::map<std::string, std::string> settings{};  // "model.width" -> "128"; all that rebuilds the network
  Scaling scaling{};

  // A network and its parameters, or POD and the points it stands on.
  Network net{};
  Tensors theta{};
  std::optional<Pod> pod{};
  Tensor grid{};  // (n,d), physical

  // Of a network that has learned an equation: time is its last input, or there is none, and its coefficients
  // are a function of the equation's parameters. What is built into its field is a function of the case, see
  // built_in() of job.h.
  bool from_equation = false, time_is_input = false, needs_trial = false;
  std::function<Var(const Var& x, const Var& network)> trial{};

  // Or a network whose parameters have followed an equation.
  std::optional<Evolved> evolved{};

  std::int64_t coefficients() const;
  std::int64_t parameter_count() const;

  // The field at points x (n,d) at time t, in physical units, f64 (n,c).
  Tensor values(const Tensor& x, double t, const std::vector<double>& mu = {}) const;
};

// The part in x of a low-rank model whose coefficients are a function of time, one for each term of rank one;
// none for all others.
std::optional<LowRankNet> low_rank(const SavedModel& model);

// Sizes of a network of this model's data; those of learned equations have time among their inputs.
void fit(Network& net, const SavedModel& model);

void write_model(const SavedModel& model, const std::filesystem::path& path);
SavedModel read_model(const std::filesystem::path& path);

}  // namespace lowtide
