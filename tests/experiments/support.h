// Little sets of snapshots for the tests of training.
#pragma once
#include <lowtide/experiments/scaling.h>
#include <lowtide/linalg/random.h>

#include <cmath>
#include <string>
#include <vector>

namespace lowtide::testing {

// Waves on the cells of [0,2] between walls, as many fields as wanted.
inline Snapshots waves(std::int64_t frames, std::int64_t cells, std::int64_t fields = 1) {
  Snapshots set;
  const std::vector<std::string> names{"density", "momentum", "energy"};
  set.fields.assign(names.begin(), names.begin() + fields);
  set.low = {0};
  set.high = {2};
  set.boundary = {"wall", "wall"};
  set.grid = {cells};
  set.t = linspace(0.5, 3.5, frames, Dtype::f64);
  set.x = Tensor({cells, 1}, Dtype::f64);
  set.weight = full({cells}, 2 / static_cast<double>(cells), Dtype::f64);
  set.u = Tensor({frames * cells, fields}, Dtype::f64);
  double *x = set.x.mutable_data<double>(), *u = set.u.mutable_data<double>();
  for (std::int64_t i = 0; i < cells; ++i)
    x[i] = 2 * (static_cast<double>(i) + .5) / static_cast<double>(cells);
  set.offsets = {0};
  for (std::int64_t k = 0; k < frames; ++k) {
    for (std::int64_t i = 0; i < cells; ++i)
      for (std::int64_t f = 0; f < fields; ++f)
        *u++ = static_cast<double>(f + 1) * (std::sin(3 * x[i] - set.time(k) + static_cast<double>(f)) + .3);
    set.offsets.push_back((k + 1) * cells);
  }
  set.heldout.assign(static_cast<std::size_t>(frames), 0);
  check(set, "waves");
  return set;
}

// Points of the plane that are others in each frame, 10 + 3k in frame k, of different weights.
inline Snapshots scattered(std::int64_t frames, std::int64_t fields = 1) {
  Snapshots set;
  for (std::int64_t f = 0; f < fields; ++f) set.fields.push_back("u" + std::to_string(f));
  set.low = {-1, 0};
  set.high = {1, 3};
  set.t = linspace(0, 1, frames, Dtype::f64);
  set.offsets = {0};
  for (std::int64_t k = 0; k < frames; ++k) set.offsets.push_back(set.offsets.back() + 10 + 3 * k);
  const std::int64_t rows = set.offsets.back();
  Stream numbers(4, "scattered");
  set.x = numbers.uniform({rows, 2}, Dtype::f64, 0, 1);
  set.weight = numbers.uniform({rows}, Dtype::f64, .5, 2);
  set.u = numbers.uniform({rows, fields}, Dtype::f64, -3, 5);
  set.heldout.assign(static_cast<std::size_t>(frames), 0);
  check(set, "scattered");
  return set;
}

inline bool near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

}  // namespace lowtide::testing
