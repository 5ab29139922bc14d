// Adam (Kingma and Ba 2015), with decoupled weight decay (AdamW) if asked for.
#pragma once
#include <lowtide/linalg/tensor.h>

namespace lowtide {

struct Adam {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;

  // The state; made at the first step.
  std::int64_t steps = 0;
  Tensors m{}, v{};

  // theta <- theta - lr m^ / (sqrt(v^) + epsilon). Throws if shapes or dtypes of the two differ, or at a
  // gradient that is not finite.
  void step(Tensors& theta, const Tensors& gradient);

  template <class Visitor>
  void visit(Visitor&& see) {  // see optimizer.h
    see("lr", lr);
    see("steps", steps);
    see("m", m);
    see("v", v);
  }
};

}  // namespace lowtide
