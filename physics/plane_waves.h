// The constructions in the proofs of the LRNR paper's Theorems 3.2 and 3.3: initial data that are sums of
// ridges move as low-rank networks of depth 2 and rank (d, 2; 1, 0) whose d + 3 coefficients are functions of
// time.
#pragma once
#include <lowtide/models/lrnr_cheb.h>
#include <lowtide/physics/ridges.h>

#include <span>

namespace lowtide {

// A network and its parameters, f64. Of its coefficients s(t) = (1, ..., 1; 1, t; 1) only one moves; a series
// of two terms holds them, in time as it is, not scaled.
struct PlaneWaves {
  LrnrCheb net{};
  Tensors theta{};

  Var operator()(const Var& x, const Var& t) const;  // x (n,d), t (1,1) -> (n,1)
};

// u_tt = speed^2 Laplacian u from u = sum a sigma(w . x + b) of the first, u_t = sum a sigma'(w . x + b) of the
// second, by d'Alembert's formula for each (A.11):
//   u = sum a/2 [sigma(w.x + b + ct) + sigma(w.x + b - ct)] + sum a/(2c) [sigma(w.x + b + ct) - sigma(w.x + b -
//   ct)].
// Of width 2 (ridges of both). In (3.16), (3.19) and (3.26) the second sum has the sign and the factor of the
// first.
PlaneWaves wave_network(const Ridges& u, const Ridges& u_t, double speed);

// u_t + velocity . grad u = 0 from u = sum a sigma(w . x + b), of as many units.
PlaneWaves advection_network(const Ridges& u, std::span<const double> velocity);

}  // namespace lowtide
