// Smoothed data for the first half of a training: frames are averaged over [x - w, x + w], with w falling to
// zero (LRNR paper, section 4):
//   y_w = box_{[-w,w]} * y,   w(i) = w0 max(0, (n - 2 i) / n)  in epoch i of n      (4.12)
#pragma once
#include <lowtide/linalg/tensor.h>

#include <span>

namespace lowtide {

// How a field goes on beyond the two ends. At a wall, density, pressure and energy are even and velocity and
// momentum odd; zeros would spoil both ends.
enum class Edge : std::uint8_t { periodic, even, odd };

double mollifier_width(double w0, std::int64_t epoch, std::int64_t epochs);

// Averages over [x - w, x + w] at the centres of n equal cells of a domain of this length, of data (n,c) or
// frames (T,n,c) that are constant in each cell: exact, cells that the window cuts count with their part of
// it. Any w, O(n) by sums from the left. One edge for each of the c fields, or one for all. Windows of at
// most a cell change nothing. The mean over the domain stays, but for odd fields.
Tensor mollified(const Tensor& y, double w, double length, std::span<const Edge> edges);

}  // namespace lowtide
