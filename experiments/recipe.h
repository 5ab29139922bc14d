// How a model is trained, as values: what the two recipes, a case and a user's settings agree on.
#pragma once
#include <lowtide/experiments/learning.h>
#include <lowtide/experiments/training_compression.h>
#include <lowtide/models/embedded.h>
#include <lowtide/models/network.h>
#include <lowtide/optim/curriculum.h>
#include <lowtide/optim/grouped.h>
#include <lowtide/optim/losses.h>
#include <lowtide/run/settings.h>

#include <string>
#include <vector>

namespace lowtide {

struct Recipe {
  std::string batch;  // "81:5" (see FrameBatches), or "auto"
  std::int64_t epochs = 0, l1_epochs = 0;
  double gflop = 0;  // work to spend: as many epochs as it is enough for, in their proportion; 0: all
  std::int64_t head_every = 0;      // epochs between two exact solves of the last layer; 0: none
  std::int64_t evaluate_every = 0;  // epochs between two evaluations on all frames; 0: only at the end
  bool weighted = false;            // points count by their weights

  std::string optimizer;
  double lr = 0, l1_lr = 0, hyper_factor = 1;
  double beta1 = 0, beta2 = 0, weight_decay = 0;
  std::string schedule;  // constant, linear, cosine, step, plateau
  double warmup = 0, floor = 0;

  double tau = 0;          // switch to q = 1 below this misfit; 0: at `epochs`, if l1_epochs > 0
  double charbonnier = 0;  // delta of the smoothed absolute value; 0: not smoothed
  double gamma = 1, sparse = 0, ortho = 0;
  Gram gram = Gram::columns;
  double mollifier = 0;

  TrainingCompression compression{};

  double output_scale = 0;  // the first output's rms over that of the data; 0: as it comes
};

const std::vector<std::string>& model_names();      // "lrnr", ...
const std::vector<std::string>& recipe_names();     // "fast", "paper"
const std::vector<std::string>& optimizer_names();  // "muon+soap", ...

// Asks for all settings of training. InputError for a name or number that cannot be.
Recipe recipe_from(Settings& settings, const std::string& recipe, const std::string& model,
                   const Learning& learning);

// The settings "model.*". What the data decide is set by fit().
Network network_from(Settings& settings, const std::string& recipe, const std::string& model,
                     const Learning& learning);
// Of a network of space alone, whose parameters follow an equation.
Embedded embedded_from(Settings& settings, const Embedded& standard);
void fit(Network& net, std::int64_t in, std::int64_t out, std::int64_t parameters);
// The forms of weights that are asked for by the weights at the start. InputError if they cannot be.
void resolve_forms(Network& net, std::int64_t seed);

// Which tensor is stepped by what.
Grouped optimizer_for(const Recipe& recipe, const Network& net, const Tensors& theta);

}  // namespace lowtide
