// Training on an equation: points, steps, and L-BFGS at the end, as a loop that can be resumed.
#pragma once
#include <lowtide/experiments/pinn_options.h>
#include <lowtide/experiments/train.h>

#include <memory>

namespace lowtide {

Trained train_pinn(Run& run, const PinnOptions& options, const std::shared_ptr<const Pinn>& pinn,
                   const Network& net);

// Of a model of this problem: space, time and parameters in [-1,1], outputs as they are.
Scaling scaling_of(const Pinn& pinn);

}  // namespace lowtide
