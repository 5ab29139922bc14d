// Nonlinear least squares without a matrix: parameters whose field is near a target at points. The steps of
// Levenberg (1944) and Marquardt (1963), each solved for as a projection (dirac_frenkel.h) of what is missing.
#pragma once
#include <lowtide/physics/dirac_frenkel.h>

namespace lowtide {

struct LevenbergMarquardt {
  double least = 1e-9, most = 1e3;  // damping
  double tolerance = 3e-2;          // of the solves
  int iterations = 60;

  // The state: the damping in units of M's largest eigenvalue. It falls as steps do what was predicted.
  double damping = 1e-3;

  struct Report {
    double before = 0, after = 0;  // |target - u| / |target|, at these points
    bool accepted = false;
    std::int64_t products = 0;  // with M
  };
  // J is at theta; values gives the field (n,c) of other parameters at the same points. theta (p) in f64 moves
  // only if that makes the misfit smaller.
  Report step(const TiledJacobian& J, Tensor& theta, const Tensor& target, const Sketch& sketch,
              FunctionRef<Tensor(const Tensor& theta)> values);

  template <class Visitor>
  void visit(Visitor&& see) {
    see("damping", damping);
  }
};

}  // namespace lowtide
