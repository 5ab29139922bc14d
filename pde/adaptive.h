// Adaptive samples of a fine solution: fine cells where it varies, averages elsewhere, as a solver with
// adaptive mesh refinement (Berger and LeVeque 1998) would leave them. Training data in two dimensions are such
// samples; nothing is lost of the integral.
#pragma once
#include <lowtide/linalg/tensor.h>
#include <lowtide/pde/grid.h>

#include <vector>

namespace lowtide::pde {

struct Refinement {
  std::vector<std::int64_t> ratios;  // of cell sizes between the levels, coarsest first; none: the fine cells
  // A cell is refined where a component differs by more than this between its two neighbours along an axis,
  double tolerance = 0.05;
  std::int64_t buffer = 2;  // and that many cells around it.

  std::int64_t levels() const { return static_cast<std::int64_t>(ratios.size()) + 1; }
};

struct Sample {
  Tensor x, u, weight;              // (n,d), (n,c), (n)
  std::vector<std::int32_t> level;  // 1 = coarsest
};

// values: (cells, equations) on the grid, whose cells are those of the finest level.
Sample sample_adaptively(const Grid& grid, const Tensor& values, const Refinement& refinement);

void check(const Refinement& refinement, const Grid& grid);  // InputError, if the levels do not fit the grid
Tensor cell_sizes(const Refinement& refinement, const Grid& grid);  // (levels,d)

}  // namespace lowtide::pde
