// Networks to reduce: small, with coefficients that are smooth functions of time.
#pragma once
#include <lowtide/models/lrnr.h>
#include <lowtide/reduction/low_rank_weights.h>

#include <boost/test/unit_test.hpp>

#include <cmath>

namespace support {

using namespace lowtide;

struct Example {
  Lrnr model;
  Tensors theta;
  LowRankWeights weights;
  CoefficientsAt coefficients;
};

// `speed` makes the coefficients move: inputs of the hypernetwork are multiplied by it.
inline Example example(const Lrnr& model, std::uint64_t seed = 1, double speed = 2) {
  Example out{.model = model,
              .theta = model.init(Stream(seed, "example"), Dtype::f64),
              .weights = {},
              .coefficients = {}};
  out.weights = weights_of(model.factors(), out.theta);
  out.coefficients = [model, theta = Vars(out.theta.begin(), out.theta.end()), speed](const Tensor& t) {
    Tensor scaled = t.reshaped({t.size(), 1}).clone();
    for (double& x : scaled.mutable_view<double>()) x *= speed;
    return model.coefficients_at_times(theta, Var(scaled)).value();
  };
  return out;
}

inline const Lrnr small{
    .in = 1, .out = 1, .width = 20, .depth = 4, .rank = 5, .hyper_width = 8, .hyper_depth = 3};
inline const Lrnr plane{
    .in = 2, .out = 3, .width = 24, .depth = 4, .rank = 6, .hyper_width = 8, .hyper_depth = 3};

inline Tensor random(const Shape& shape, std::uint64_t seed, double low = -1, double high = 1) {
  return Stream(seed, "numbers").uniform(shape, Dtype::f64, low, high);
}

inline double difference(const Tensor& a, const Tensor& b) {
  BOOST_REQUIRE(a.shape == b.shape);
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a.at(i) - b.at(i)));
  return most;
}

}  // namespace support
