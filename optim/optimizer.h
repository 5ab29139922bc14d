// What the optimizers share. Each is a plain struct of public settings and state with
//
//   void step(Tensors& theta, const Tensors& gradient);
//   void visit(see);   // see(name, number or tensors) for lr and everything that a checkpoint must hold
//
// where `see` takes a std::string_view and a reference to a double, a std::int64_t or Tensors. State is
// made at the first step; before it, the Tensors are empty.
#pragma once
#include <lowtide/linalg/tensor.h>

namespace lowtide {

// Throws if numbers, shapes or dtypes of the two differ, or naming the first gradient that is not finite:
// nothing has been changed then.
void require_gradient(const char* op, const Tensors& theta, const Tensors& gradient);

// Zeros like theta at the first step. Later, or out of a checkpoint, the state must fit theta.
void prepare_state(const char* op, Tensors& state, const Tensors& theta);

}  // namespace lowtide
