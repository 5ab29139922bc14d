// A network fitted to a known field, a step of Levenberg and Marquardt at a time: the initial state of an
// initial-value problem, or the field that another network has become.
#pragma once
#include <lowtide/experiments/ivp_options.h>
#include <lowtide/physics/levenberg_marquardt.h>
#include <lowtide/physics/moving_field.h>

namespace lowtide {

// What can be saved between two steps.
struct NetworkFit {
  std::int64_t number = 0;  // of the fit: names its random numbers
  std::int64_t steps = 0;
  double error = 1;  // |target - u| / |target| at the points in use
  double work = 0;   // products with M, times points
  LevenbergMarquardt method{};
  Tensors tensors = Tensors(4);  // theta; points; Nystrom's U and values of the sketch
  double largest = 0;            // of the sketch

  Tensor& theta() { return tensors[0]; }

  template <class Visitor>
  void visit(Visitor&& see) {
    see("number", number);
    see("steps", steps);
    see("error", error);
    see("work", work);
    see("tensors", tensors);
    see("largest", largest);
    method.visit(see);
  }
};

using TargetField = FunctionRef<Tensor(const Tensor& x)>;  // (n,d) -> (n,c)

// A fresh network whose last layer is solved for.
void start_fit(NetworkFit& fit, const MovingField& u, const IvpOptions& options, TargetField target, double t,
               const Stream& stream);
// One step; true if it was the last.
bool step_fit(NetworkFit& fit, const MovingField& u, const IvpOptions& options, TargetField target, double t,
              const Stream& stream);

// theta with the last layer of each output replaced by the ridge regression of values (n,c) at x on its
// features, held to what it was by lambda times the mean square of the features.
Tensor with_solved_head(const MovingField& u, const Tensor& theta, const Tensor& x, const Tensor& values,
                        double lambda);

}  // namespace lowtide
