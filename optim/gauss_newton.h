// Least squares by Gauss and Newton's method with Levenberg's damping (Levenberg 1944, Marquardt 1963; Nocedal
// and Wright, Numerical Optimization, 2006, 10.3), for some thousands of residuals or parameters.
#pragma once
#include <lowtide/autodiff/functions.h>

namespace lowtide {

struct GaussNewton {
  double least = 1e-14, most = 1e6;  // limits of the damping
  int tries = 8;                     // of one step

  // The state: damping in units of the mean diagonal of J JT, as it follows from how far J could be trusted;
  // and what happened.
  double damping = 1e-2;
  std::int64_t evaluations = 0;
  double value = 0;

  // Moves theta where |r|^2 is less: by the d that minimizes |r + J d|^2 + damping |d|^2, with more damping if
  // that has failed. J (m,p) and r (m) are those at theta, in f64; residuals gives r elsewhere. False if no try
  // was better.
  bool step(Tensors& theta, const Tensor& J, const Tensor& r, FunctionRef<Tensor(const Tensors&)> residuals);

  // Of a step that is not tried again, for its products and its factorization.
  static double flops(const Tensor& J);

  template <class Visitor>
  void visit(Visitor&& see) {  // see optimizer.h
    see("damping", damping);
    see("evaluations", evaluations);
    see("value", value);
  }
};

// A AT for A (m,p), or AT A, in blocks on all cores.
Tensor gram(const Tensor& a, bool transposed);

}  // namespace lowtide
