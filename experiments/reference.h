// Exact or separately computed solutions as snapshots: what the errors of models that learn from an equation
// are measured against.
#pragma once
#include <lowtide/io/snapshots.h>
#include <lowtide/physics/pinn.h>

#include <functional>
#include <string>
#include <vector>

namespace lowtide {

// Cells of equal size on a box, the same at all times.
struct ReferenceGrid {
  Box box{};                          // of space
  std::vector<std::int64_t> cells{};  // a direction each
  std::vector<double> times{};        // rising
  std::vector<std::string> fields = {"u"};
  std::string boundary = "outflow";       // of all sides
  std::vector<std::string> parameters{};  // beside time
  std::vector<std::vector<double>> mu{};  // all times for each of them; none: once
};

// Of a problem in space and time, `frames` from the first to the last time; of a stationary one a single frame.
ReferenceGrid reference_grid(const Pinn& pinn, std::vector<std::int64_t> cells, std::int64_t frames = 1);

// u(x, t, mu) in u (c), for x (d). Called for all centres of cells in parallel.
using PointSolution = std::function<void(const double* x, double t, const std::vector<double>& mu, double* u)>;
Snapshots on_grid(const ReferenceGrid& grid, const PointSolution& solution);

}  // namespace lowtide
