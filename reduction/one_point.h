// Two rivals of a FastLRNR at one point, as fast as they can reasonably be made: the network itself, and a
// table of the point's values over time.
#pragma once
#include <lowtide/reduction/low_rank_weights.h>

namespace lowtide {

// The network in f32, one point at a time: matrix times vector, without a tape. The coefficients are given, so
// that what they cost is not counted.
class OnePoint {
 public:
  explicit OnePoint(const LowRankWeights& net);
  void evaluate(const float* x, const float* s, float* u);

 private:
  struct Layer {
    Tensor u, v, b;  // f32
  };
  Activation activation_;
  std::vector<Layer> layers_;
  std::vector<float> state_, next_, inner_;
};

// Values at equally spaced times, cubic between them (Lagrange, through four neighbours).
struct TimeSeries {
  std::int64_t times = 0, out = 0;  // at least four
  std::vector<float> values{};
  void evaluate(double t, float* u) const;  // scaled time
  std::int64_t bytes() const { return std::ssize(values) * static_cast<std::int64_t>(sizeof(float)); }
};
TimeSeries time_series(const LowRankWeights& net, const CoefficientsAt& coefficients, const Tensor& point,
                       std::int64_t times);

}  // namespace lowtide
