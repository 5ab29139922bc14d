// L-BFGS with a line search for the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization,
// 2006: Algorithms 7.4, 3.5 and 3.6), for losses that are the same function at every call.
#pragma once
#include <lowtide/autodiff/functions.h>

#include <string_view>

namespace lowtide {

enum class LbfgsStop : std::uint8_t { none, gradient, value, iterations, evaluations, line_search };
std::string_view text_of(LbfgsStop stop);  // "the gradient is small enough"

struct Lbfgs {
  // theta -> value and gradient: [&](const Tensors& x) { return value_and_grad(loss, x); }. Where it throws
  // NonFiniteError, or gives what is not finite, a step was too long.
  using Objective = FunctionRef<ValueAndGradient(const Tensors&)>;

  std::int64_t history = 10;
  std::int64_t max_iterations = 1000, max_evaluations = 2000;  // of one call
  double gradient_tolerance = 1e-8;                            // of its largest element
  double value_tolerance = 1e-14;                              // of the relative decrease in an iteration
  double c1 = 1e-4, c2 = .9;                                   // sufficient decrease, curvature

  // The state: steps and differences of gradients, flat and in f64, the oldest first; and what happened.
  Tensors s{}, y{};
  std::int64_t iterations = 0, evaluations = 0;  // of all calls
  double value = 0;                              // at theta
  LbfgsStop stop = LbfgsStop::none;

  // Moves theta to the best point that is found. Goes on from what is in s and y.
  LbfgsStop minimize(Tensors& theta, Objective f);

  // -H g by the two loops, with H0 = (s y) / (y y) of the last pair.
  Tensor direction(const Tensor& gradient) const;

  template <class Visitor>
  void visit(Visitor&& see) {  // see optimizer.h
    see("iterations", iterations);
    see("evaluations", evaluations);
    see("value", value);
    see("s", s);
    see("y", y);
  }
};

}  // namespace lowtide
