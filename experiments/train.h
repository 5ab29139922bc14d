// Training: a network, data and a recipe, put together from the pieces of optim/.
#pragma once
#include <lowtide/experiments/evaluate.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/run/run.h>

namespace lowtide {

struct Trained {
  Tensors theta;
  std::int64_t steps = 0;
  std::string stop = "done";  // or why L-BFGS stopped
};

// Goes on where the run has been interrupted. The frames that the set holds out are not trained on; their
// errors are reported, no more.
Trained train(Run& run, const Recipe& recipe, const Network& net, const Snapshots& set, const Scaling& scaling);

}  // namespace lowtide
