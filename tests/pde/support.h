// Exact solutions and errors for the tests of solvers.
#pragma once
#include <lowtide/pde/laws.h>
#include <lowtide/pde/solver.h>

#include <cmath>
#include <functional>
#include <string>

namespace lowtide::pde {

// The exact value of equation c at (x, y, t).
using Exact = std::function<double(int c, double x, double y, double t)>;

// The mean error of equation c over the domain, at the solver's time.
inline double l1_error(const Solver& solver, const Exact& exact, int c = 0) {
  const Grid& grid = solver.grid();
  const Tensor values = solver.values();
  double sum = 0;
  for (std::int64_t j = 0; j < grid.cells[1]; ++j)
    for (std::int64_t i = 0; i < grid.cells[0]; ++i) {
      const double x = grid.place(0, static_cast<double>(i) + 0.5),
                   y = grid.place(1, static_cast<double>(j) + 0.5);
      sum += std::abs(values.at((j * grid.cells[0] + i) * values.shape[1] + c) - exact(c, x, y, solver.time()));
    }
  return sum / static_cast<double>(grid.count());
}

// Woodward and Colella's two blast waves.
inline Solver blast_waves(std::int64_t cells, const SolverOptions& options = {}) {
  const Euler<1> gas;
  return Solver(
      gas, Grid1D{cells, 0, 1, {Boundary::wall, Boundary::wall}},
      [&](double x) {
        return gas.conserved(State<double, 3>{1, 0, x < 0.1 ? 1000 : x < 0.9 ? 0.01 : 100});
      },
      options);
}

// A vortex that turns the unit square's lower half and brings it back at t = 2.
inline StreamAdvection swirl() {
  return {[](double x, double y) {
            const double a = std::sin(M_PI * x), b = std::sin(M_PI * y);
            return a * a * b * b / M_PI;
          },
          [](double t) { return std::cos(M_PI * t / 2); }};
}

}  // namespace lowtide::pde
