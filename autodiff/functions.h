// Derivatives of functions: the everyday face of the tape. A function takes Vars and gives a Var; it
// should use values only through ops (see Var::value).
#pragma once
#include <lowtide/autodiff/sweep.h>
#include <lowtide/linalg/function_ref.h>
#include <lowtide/linalg/linop.h>

namespace lowtide {

using Function = FunctionRef<Var(const Vars&)>;
using UnaryFunction = FunctionRef<Var(const Var&)>;

// f at xs without derivatives; f may use variable() and push of its own.
Tensor value(Function f, const Tensors& xs);

struct ValueAndGradient {
  double value;
  Tensors gradient;
};
// f must give one number. A value or gradient that is not finite throws NonFiniteError and names the
// first op at which it arose.
ValueAndGradient value_and_grad(Function f, const Tensors& xs);

struct ValueAndSlope {
  double value;
  Tensor gradient;
};
ValueAndSlope value_and_grad(UnaryFunction f, const Tensor& x);

struct ValueAndTangent {
  Tensor value, tangent;
};
ValueAndTangent jacobian_vector(Function f, const Tensors& xs, const Tensors& xdots);

struct ValueAndCotangents {
  Tensor value;
  Tensors cotangents;
};
ValueAndCotangents vector_jacobian(Function f, const Tensors& xs, const Tensor& ybar);

struct HessianVector {
  double value;
  Tensors gradient, product;
};
// Hessian times vector, by a push through a recorded pull.
HessianVector hvp(Function f, const Tensors& xs, const Tensors& vs);

// J v and JT w of f at one point, again and again: the tape is written once. On any thread, but on one at a
// time.
class Linearization {
 public:
  Linearization(Function f, const Tensors& xs);
  const Tensor& value() const { return y_.peek(); }
  Tensor push(const Tensors& xdots) const;  // J xdot
  Tensors pull(const Tensor& ybar) const;   // JT ybar

  // J on flat vectors (see flatten), for Krylov solvers. It refers to this object.
  LinOp op() const;

 private:
  Tape tape_;
  Vars xs_;
  Var y_;
};

// Many tensors as one vector, and back into the shapes of `like`.
Tensor flatten(const Tensors& xs);
Tensors unflatten(const Tensor& flat, const Tensors& like);

}  // namespace lowtide
