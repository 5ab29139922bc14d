// A field at points together with its derivatives by the inputs, in which residuals are written:
//
//   const auto burgers = [nu](const Jet& u) { return u.d(1) + u() * u.d(0) - nu * u.d(0, 0); };
//
// A derivative is a push through what was recorded so far, made when it is first asked for and only once;
// a second one is a push through that push, which takes up the first one's tangents where both are by the same
// input. All of it is recorded, so that a loss of it has a gradient.
#pragma once
#include <lowtide/autodiff/functions.h>
#include <lowtide/autodiff/ops.h>

#include <map>
#include <vector>

namespace lowtide {

class Jet {
 public:
  // field maps (n,d) to (n,c), and lives as long as the jet. Needs a tape: inside of a function that is being
  // differentiated, or in one that value() evaluates. mu (p): parameters of the equation.
  Jet(UnaryFunction field, Tensor points, Var mu = {});

  const Var& operator()() const { return u_; }  // (n,c)
  Var operator()(int field) const;              // (n,1)
  const Var& x() const { return x_; }           // (n,d), the points
  Var x(int axis) const;                        // (n,1)
  Var at(const Var& points) const;              // the field elsewhere
  Var mu(int k) const;                          // (1,1)

  const Var& d(int axis) const;             // (n,c), by one input
  const Var& d(int axis, int other) const;  // by two
  Var laplacian(int axes) const;            // over the first so many inputs
  Var laplacian() const { return laplacian(dims()); }

  // How many evaluations of the field's cost have been made: values and derivatives.
  int evaluations() const { return 1 + elsewhere_ + static_cast<int>(first_.size() + second_.size()); }

  // What has been asked for so far: {axis} of first derivatives, {axis, other} of second ones.
  std::vector<std::vector<int>> derivatives() const;

  int dims() const { return static_cast<int>(x_.shape()[1]); }
  std::int64_t points() const { return x_.shape()[0]; }

 private:
  DirectedPush& along(int axis) const;  // of the points, by one input

  UnaryFunction field_;
  Var x_, u_, mu_;
  mutable int elsewhere_ = 0;
  mutable std::map<int, DirectedPush> pushes_;
  mutable std::map<int, Var> first_;
  mutable std::map<std::pair<int, int>, Var> second_;
};

// Column k of (n,c), as (n,1).
Var column(const Var& fields, int k);

}  // namespace lowtide
