// The linear rival: proper orthogonal decomposition. Modes from snapshots on a fixed grid by a singular
// value decomposition in f64, coefficients interpolated in time, values between the points of a grid in
// one dimension interpolated linearly. No set of `rank` modes has a smaller error at the snapshots, in the
// norm weighted by `weights` (Eckart and Young 1936).
#pragma once
#include <lowtide/linalg/tensor.h>

namespace lowtide {

enum class InTime : std::uint8_t {
  linear,
  cubic,  // the spline with "not a knot" ends (de Boor, A Practical Guide to Splines, 1978, IV)
};

struct Pod {
  std::int64_t points = 0, out = 1;
  InTime in_time = InTime::linear;
  Tensor times{};            // (T), rising
  Tensor modes{};            // (r, points out), orthonormal in the weighted inner product
  Tensor coefficients{};     // (T,r)
  Tensor bends{};            // (T,r), second derivatives of the spline; empty for linear
  Tensor singular_values{};  // all of them, of the weighted snapshots

  std::int64_t rank() const { return modes.shape[0]; }
  // Numbers that it stores.
  std::int64_t parameter_count() const { return modes.size() + coefficients.size(); }
  // The relative error at the snapshots, in the weighted norm, that `rank` modes leave.
  double relative_error(std::int64_t rank) const;

  // The coefficients (r) at time t; outside of `times` those of the nearest end.
  Tensor at(double t) const;
  // The field at the points of the grid (points,out).
  Tensor field(double t) const;
  // The field at x (n) or (n,1) for a grid (points), rising; constant outside of it.
  Tensor field(double t, const Tensor& grid, const Tensor& x) const;
};

// snapshots (T,points) or (T,points,out) at times (T). weights (points), positive: the size of each
// point's cell; without them all are 1.
Pod make_pod(const Tensor& snapshots, const Tensor& times, std::int64_t rank, InTime in_time = InTime::linear,
             const Tensor& weights = {});

}  // namespace lowtide
