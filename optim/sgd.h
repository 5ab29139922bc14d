// Gradient descent with momentum, as in PyTorch: heavy ball (Polyak 1964), or Nesterov's (1983) as
// Sutskever et al. (2013) write it.
#pragma once
#include <lowtide/linalg/tensor.h>

namespace lowtide {

struct Sgd {
  double lr = 1e-2;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;  // decoupled, as in the other optimizers

  // The state; made at the first step.
  Tensors m{};

  // m <- mu m + g;  theta <- theta - lr m, or lr (g + mu m) for Nesterov
  void step(Tensors& theta, const Tensors& gradient);

  template <class Visitor>
  void visit(Visitor&& see) {  // see optimizer.h
    see("lr", lr);
    see("m", m);
  }
};

}  // namespace lowtide
