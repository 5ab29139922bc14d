// The loop that solves an initial-value problem by a network of space alone: the network is fitted to the
// initial state, then its parameters follow the ordinary differential equation (M + mu I) theta' = F, which
// physics/dirac_frenkel.h solves for theta' at every stage of a Runge-Kutta method of adaptive steps.
#pragma once
#include <lowtide/experiments/ivp_options.h>

#include <vector>

namespace lowtide {

// The network at `times`, which rise from 0 on. A loop of the run, which can be stopped after every step of a
// fit and every attempted step of time and goes on with the same bits. SolverError that names t and the step if
// the equation cannot be followed any further; the last checkpoint then is from before that step.
Evolved evolve(Run& run, const InitialValueProblem& problem, const IvpOptions& options,
               const std::vector<double>& times);

}  // namespace lowtide
