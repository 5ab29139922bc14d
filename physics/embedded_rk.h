// Runge-Kutta methods with an embedded one of lower order, whose difference estimates the error of a step.
//
// Why not those of Boost.Odeint: a step here may cost a minute, so that it is the unit of checkpoints, and what
// lies between two steps, the first stage of the next among it, must be open to be saved; a stage may fail (a
// linear solve that does not converge) and take the step down with it, to be tried again with a shorter one;
// and the error is measured in the norm of the field, which the parameters' own norm says little about.
#pragma once
#include <lowtide/linalg/function_ref.h>
#include <lowtide/linalg/tensor.h>

#include <string>
#include <vector>

namespace lowtide {

// k_i = f(t + c_i h, y + h sum_j a_ij k_j), y' = y + h sum b_i k_i, error = h sum e_i k_i. The last stage of
// all of them is f at the new point, and thus the first of the next step.
struct Tableau {
  const char* name;
  int order;  // of the result; the other is of one less
  std::vector<double> c, b, e;
  std::vector<std::vector<double>> a;  // a[i] has i entries

  int stages() const { return static_cast<int>(c.size()); }
};
const Tableau& bogacki_shampine();  // "rk23": A 3(2) pair of Runge-Kutta formulas, 1989
const Tableau& dormand_prince();    // "rk45": A family of embedded Runge-Kutta formulae, 1980
const Tableau& tableau_named(const std::string& name);  // Error

using RateFunction = FunctionRef<Tensor(double t, const Tensor& y)>;

struct RkStep {
  Tensor y, error, last;  // the new point, the estimate, the last stage
};
// One step of length h from y (any shape, f64), with f(t, y) as `first`. What f throws passes through.
RkStep rk_step(const Tableau& method, RateFunction f, double t, const Tensor& y, double h, const Tensor& first);

// The length of the next step after one whose error was `ratio` times what is allowed.
struct StepControl {
  double safety = 0.9, least = 0.2, most = 3;  // factors
  double factor(double ratio, int order) const;
};

}  // namespace lowtide
