// The right sides of wave equations, u_t = f(u), in physical units and the conserved quantities of their laws:
// in strong form, from derivatives of the field, and as differences of numerical fluxes.
#pragma once
#include <lowtide/pde/grid.h>
#include <lowtide/pde/law.h>
#include <lowtide/pde/slopes.h>
#include <lowtide/physics/jet.h>

#include <functional>
#include <string>
#include <vector>

namespace lowtide {

struct Equation {
  std::string name;
  std::vector<std::string> fields;                      // the columns of u, in this order
  std::function<Var(const Jet& u, double t)> strong{};  // f (n,c), where u is smooth
  pde::Law law;                                         // whose numerical fluxes know jumps
  std::function<void(double* state)> primitive{};  // conserved -> what the law interpolates; none: the same

  int dims() const { return law.info->dims; }
};

Equation advection_equation(std::vector<double> velocity);  // u_t + a . grad u = 0, in one or two dimensions
// q_t + div(v q) = 0, v = (-psi_y, psi_x) cos(2 pi t / period), psi = sin^2(pi x) sin^2(pi y) / pi: the vortex
// of the case advection2d.
Equation swirl_equation(double period);
Equation burgers_equation(int dims);
Equation acoustics_equation(int dims, double density, double bulk_modulus);
Equation euler_equation(double gamma);  // in one dimension

// A field in physical units (n,d) -> (n,c), f64.
using FieldAt = std::function<Tensor(const Tensor& x)>;

// f at the points x (n,d), as the finite volumes of lowtide see it: cells of the grid's size around the points,
// limited slopes from the field's own values at x +- h and x +- 2 h, numerical fluxes through the sides of the
// cells. Conservative, and right where u jumps. Beyond the domain the grid's sides say what the field is.
Tensor flux_rate(const Equation& equation, const pde::Grid& grid, const FieldAt& field, const Tensor& x,
                 double t, pde::Limiter limiter = pde::Limiter::mc);

}  // namespace lowtide
