// The LRNR paper's Theorems 3.2 and 3.3 measured: networks of d + 3 coefficients built for a Gaussian at rest
// or in motion, against the exact solution, as their width grows.
#pragma once
#include <lowtide/physics/ridges.h>

#include <cstdint>
#include <vector>

namespace lowtide {

struct TheoryOptions {
  enum class Equation { wave, advection } equation = Equation::wave;
  std::vector<std::int64_t> dims{1, 2, 3}, widths{64, 128, 256, 512, 1024, 2048, 4096};
  std::int64_t seeds = 8;
  std::int64_t points = 2000, times = 3;  // times: from 0 to t_end
  double t_end = 1, speed = 1, deviation = 0.3;
  double velocity = 1;  // of the wave's start; advection has its own
};

// Errors on the unit ball: the largest over the times, of these the root mean square over the seeds.
struct TheoryErrors {
  double h1 = 0, u_t = 0, l2 = 0;  // of u in H1, of u_t in L2, of u in L2
  double rel_h1 = 0, rel_l2 = 0;   // the first and the third by the largest of the solution
};
struct TheoryRow {
  std::int64_t dims = 1, width = 0, coefficients = 0, parameters = 0;
  RidgeSampling sampling = RidgeSampling::stratified;
  TheoryErrors errors{};
};
// Exponents p in width^-p, by least squares over all widths.
struct TheoryRate {
  std::int64_t dims = 1;
  RidgeSampling sampling = RidgeSampling::stratified;
  double promised = 0;  // 1/2 + 1/(2d), or 1/2 of independent samples
  TheoryErrors rates{};
};
struct TheoryStudy {
  std::vector<TheoryRow> rows{};
  std::vector<TheoryRate> rates{};  // none of a single width
};

// InputError if the options cannot be.
TheoryStudy theory_study(const TheoryOptions& options);

}  // namespace lowtide
