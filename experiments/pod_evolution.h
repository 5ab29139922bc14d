// The linear rival of an evolved network: POD modes, and the finite volumes of the same equation projected onto
// them (Galerkin), a' = Phi^T W f(Phi a).
#pragma once
#include <lowtide/experiments/mode_evolution.h>
#include <lowtide/models/pod.h>

namespace lowtide {

struct PodProblem {
  Pod pod{};  // of fields divided by their size, on the cells of the grid
  Equation equation;
  pde::Grid grid{};
  Tensor x{}, weights{};       // (n,d), (n)
  std::vector<double> size{};  // of each field
  pde::Limiter limiter = pde::Limiter::mc;

  Tensor coordinates(const Tensor& u) const;     // (n,c) -> (r), the nearest in the weighted norm
  Tensor field(const Tensor& a) const;           // (r) -> (n,c)
  Tensor rate(const Tensor& u, double t) const;  // f (n,c) of all cells
};

ModePath evolved(const PodProblem& problem, const Tensor& a, const std::vector<double>& times,
                 const EvolveOptions& options = {});

}  // namespace lowtide
