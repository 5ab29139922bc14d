// Muon (Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024): momentum whose
// singular values are all brought near 1, by a polynomial, before the step.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <array>

namespace lowtide {

// x <- a x + b (x xT) x + c (x xT)^2 x, five times, maps singular values of (0, 1] to about 0.7 ... 1.2
// where they are not tiny.
struct NewtonSchulz {
  std::array<double, 3> coefficients = {3.4445, -4.7750, 2.0315};
  int iterations = 5;

  // The factor Q with result = Q x for wide x (r,m), x Q for tall ones, out of the Gram matrix of x: x xT or
  // xT x, whichever is smaller. All iterates are polynomials in it times x, so that the large side is
  // touched twice in all, by the Gram matrix and by the product with Q.
  Tensor factor(const Tensor& gram) const;
  Tensor operator()(const Tensor& x) const;  // of x / |x|; zeros for x = 0
};

// For matrices only; which tensors those are is the caller's choice (see Grouped). Bounds on lr are narrow:
// for LRNRs 1.5e-3 to 3e-3.
struct Muon {
  double lr = 1.5e-3;
  double momentum = .95;
  double weight_decay = 0;  // decoupled
  NewtonSchulz polynomial{};

  // The state; made at the first step.
  Tensors m{};

  // m <- mu m + (1 - mu) g;  u = (1 - mu) g + mu m (Nesterov);
  // theta <- theta - lr sqrt(larger side) polynomial(u), an update whose rms is about lr.
  void step(Tensors& theta, const Tensors& gradient);

  template <class Visitor>
  void visit(Visitor&& see) {  // see optimizer.h
    see("lr", lr);
    see("m", m);
  }
};

}  // namespace lowtide
