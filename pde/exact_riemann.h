// The exact solution of the Riemann problem of an ideal gas (Toro 2009, chapter 4): what the solvers are
// measured against.
#pragma once

namespace lowtide::pde {

struct GasState {
  double density, velocity, pressure;
};

class RiemannProblem {
 public:
  // SolverError if the two gases fly apart so fast that a vacuum opens.
  RiemannProblem(const GasState& left, const GasState& right, double gamma = 1.4);

  GasState at(double speed) const;  // on the ray x / t = speed
  double star_pressure() const { return pressure_; }
  double star_velocity() const { return velocity_; }

 private:
  GasState left_, right_;
  double gamma_, pressure_, velocity_;
};

}  // namespace lowtide::pde
