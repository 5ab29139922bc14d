// Where and when a model is evaluated, for the verbs that do.
#pragma once
#include <lowtide/experiments/scaling.h>

#include <vector>

namespace lowtide::app {

// Middles of equal cells, `cells` a side, x fastest.
Tensor grid_of(const Scaling& scaling, std::int64_t cells);

// A line on stderr for each time outside of those that the model has been trained on.
void warn_of_times_outside(const Scaling& scaling, const std::vector<double>& times);

}  // namespace lowtide::app
