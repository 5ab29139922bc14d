// From a law, a grid and an initial state to a set of snapshots, in one call:
//
//   const Snapshots set = pde::snapshots(Burgers<1>{}, Grid1D{.cells = 400}, u0, {.end = 1, .frames = 41});
#pragma once
#include <lowtide/io/snapshots.h>
#include <lowtide/pde/adaptive.h>
#include <lowtide/pde/solver.h>

#include <functional>
#include <utility>

namespace lowtide::pde {

struct Times {
  double end = 1;
  std::int64_t frames = 81;  // at equal distances from the solver's time to the end, both included
};

struct SnapshotOptions {
  SolverOptions solver{};
  Refinement refinement{};                     // without ratios: all cells, the same in every frame
  std::function<void(const Solver&)> watch{};  // called after every step
};

// Runs the solver on and notes the frames.
Snapshots record(Solver& solver, const Times& times, const SnapshotOptions& options = {});

template <class Initial>
Snapshots snapshots(const Law& law, const Grid& grid, const Initial& initial, const Times& times,
                    const SnapshotOptions& options = {}) {
  Solver solver(law, grid, initial, options.solver);
  return record(solver, times, options);
}

}  // namespace lowtide::pde
