// Ridge regression of a linear head: the last layer of a network for given features, exactly.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <string_view>

namespace lowtide {

struct RidgeOptions {
  double lambda = 1e-6;  // of the squared distance from the prior; not scaled by the number of rows
  Tensor weights{};      // (n) of the rows, not negative; none are 1
  Tensor prior{};        // (k,c), such as the head that is there; none is 0
};

struct RidgeSolution {
  Tensor head;              // (k,c), in the dtype of the features
  std::string_view method;  // "cholesky" of the normal equations, or "svd" where these have lost their digits
  double residual;          // of the normal equations, relative
};

// The head W that minimizes sum over rows of w_i |z_i W - y_i|^2 + lambda |W - prior|^2, for features Z (n,k)
// and targets Y (n,c), in f64. With lambda = 0 and dependent features the one nearest to the prior.
RidgeSolution ridge(const Tensor& features, const Tensor& targets, const RidgeOptions& options = {});

}  // namespace lowtide
