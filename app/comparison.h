// Runs on the same frames: errors and costs, as numbers. What `lowtide compare` prints and a report begins
// with.
#pragma once
#include <lowtide/experiments/measures.h>

#include "run_folder.h"

namespace lowtide::app {

struct Compared {
  FinishedRun run{};
  Measures train{}, heldout{};
  double ns_per_point = 0;  // to evaluate whole frames
};

// InputError if the run has learned fields that the set does not have.
Compared compared(const FinishedRun& run, const Snapshots& set);

}  // namespace lowtide::app
