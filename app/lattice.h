// Equally spaced places in an interval or a rectangle, where figures show a field.
#pragma once
#include <lowtide/experiments/scaling.h>

#include <array>

namespace lowtide::app {

struct Lattice {
  std::int64_t dims = 1;
  std::array<double, 2> first{}, last{};  // of the places themselves
  std::array<std::int64_t, 2> n{1, 1};    // at least 2 in each direction that there is

  std::int64_t size() const { return n[0] * n[1]; }
  double step(std::size_t axis) const {
    return n[axis] > 1 ? (last[axis] - first[axis]) / static_cast<double>(n[axis] - 1) : 0;
  }
  double place(std::size_t axis, std::int64_t i) const {
    return first[axis] + static_cast<double>(i) * step(axis);
  }
  Tensor points() const;  // (size,dims), x fastest
};

// The domain with `margin` of its length added on each side: n places from border to border, or the centres of
// n pixels. InputError in three dimensions.
Lattice nodes_of(const Scaling& scaling, std::int64_t n, double margin = 0);
Lattice pixels_of(const Scaling& scaling, std::int64_t n, double margin = 0);
Lattice interval(double low, double high, std::int64_t n);

}  // namespace lowtide::app
