// The last layer of a low-rank model by an exact solve: U and B of it are linear in the output.
#pragma once
#include <lowtide/experiments/training_data.h>
#include <lowtide/models/network.h>

namespace lowtide {

// The network whose head can be solved for; InputError for models that are not low-rank, and for general terms.
LowRankNet network_with_head(const Network& net);

// Ridge regression towards the factors that are there, over all points of the data; `ridge` times the number of
// points is its lambda.
void solve_head(const Network& net, Tensors& theta, const TrainingData& data, double ridge = 1e-6);

}  // namespace lowtide
