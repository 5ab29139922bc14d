// Training: a network, data and a recipe, put together from the pieces of optim/.
#pragma once
#include <lowtide/experiments/evaluate.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/run/run.h>

#include <optional>

namespace lowtide {

struct Trained {
  Tensors theta;
  std::int64_t steps = 0;
  std::string stop = "done";     // or why L-BFGS stopped
  std::optional<Network> net{};  // in the form that training has brought it to, if it has
};

// Goes on where the run has been interrupted. The frames that the set holds out are not trained on; their
// errors are reported, no more.
Trained train(Run& run, const Recipe& recipe, const Network& net, const Snapshots& set, const Scaling& scaling);

// The same by L-BFGS, on the whole set. What it stopped for is told.
Trained train_by_lbfgs(Run& run, const Recipe& recipe, const Network& net, const Snapshots& set,
                       const Scaling& scaling);

// Of an epoch. "auto": all frames, and every so many of their points that a step sees about 4000, but an epoch
// has five steps.
FrameBatches batches_of(const Recipe& recipe, const Snapshots& set);

// What both begin with: the network's own start, with its output scaled if the recipe says so.
Tensors first_parameters(const Run& run, const Recipe& recipe, const Network& net, const TrainingData& data);

constexpr std::int64_t tile_rows = 500;  // points of a tile, at most

}  // namespace lowtide
