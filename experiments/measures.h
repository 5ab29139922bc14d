// How far predictions are from the truth, over many frames.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace lowtide {

// With d the difference, y the truth, w the weights. The first four treat each field over all frames; a field
// that is zero everywhere counts absolutely: divided by the sum of w (max: not divided).
struct Measures {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();  // where a measure makes no sense

  double rel_l1 = none;   // sum w|d| / sum w|y|, mean over the fields
  double rel_l2 = none;   // the root of rel_mse
  double rel_mse = none;  // sum w d^2 / sum w y^2, mean over the fields
  double max = none;      // max |d| / max |y|, of the worst field

  // Oscillation: total variation of the prediction over that of the truth, each summed over frames and fields.
  // In one dimension from point to point; in two along the rows and columns of a full uniform grid, none if a
  // frame is not one. None if the truth does not vary.
  double tv_ratio = none;

  // Places of shocks, in one dimension only: how far off, relative to the length from the first point to the
  // last; mean over all shocks of all fields and frames. A jump |u(i+1)-u(i-1)| above 20 % of the frame's range
  // is a shock; at most three a field and frame, the strongest, more than four points apart. It is where the
  // truth, linear from point to point, crosses the middle of the two values on its sides: those up to four
  // points off, but not beyond the end of its rise or fall. The prediction's is the nearest crossing of the
  // same value in the same direction. Beyond 5 % of the length it is lost, and counts as 5 %.
  double shock_error = none;
};

class MeasureSum {
 public:
  // One frame: x (n,d), weights (n), truth and prediction (n,c); n may be 0, rows in any order. ShapeError if
  // they disagree, also with the frames before.
  void add(const Tensor& x, const Tensor& weights, const Tensor& truth, const Tensor& prediction);
  Measures result() const;

 private:
  struct Field {
    double d1 = 0, d2 = 0, y1 = 0, y2 = 0, d_max = 0, y_max = 0;
  };
  std::vector<Field> fields_;
  std::int64_t dims_ = 0, points_ = 0, shocks_ = 0;
  double weight_ = 0, variation_truth_ = 0, variation_prediction_ = 0, shock_distance_ = 0;
};

}  // namespace lowtide
