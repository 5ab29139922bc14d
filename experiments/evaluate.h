// A network's values and errors over whole frames, without a tape.
#pragma once
#include <lowtide/experiments/training_data.h>
#include <lowtide/models/network.h>

namespace lowtide {

// At points x (n,d) for times t (k,1+p), f32 and scaled, as (k n,c). Parallel, the same bits on any number of
// threads.
Tensor predict(const Network& net, const Tensors& theta, const Tensor& x, const Tensor& t);

// Relative to the data, all points alike, mean over the fields.
struct PlainErrors {
  double mse = 0, l1 = 0;
};
PlainErrors errors(const Network& net, const Tensors& theta, const TrainingData& data);

}  // namespace lowtide
