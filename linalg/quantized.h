// A matrix in eight bits an entry: each column is whole numbers from -127 to 127 times its scale, which is the
// largest entry over 127. An entry is off by half a scale at most.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <vector>

namespace lowtide {

struct Quantized {
  std::int64_t rows = 0, cols = 0;
  std::vector<std::int8_t> codes;  // row by row
  Tensor scales;                   // (cols), in the dtype of the matrix

  std::int64_t bytes() const { return rows * cols + cols * static_cast<std::int64_t>(size_of(scales.dtype)); }
  double error_bound() const;  // on the Frobenius norm of the difference
};

Quantized quantized(const Tensor& a);  // (m,n), finite
Tensor dense(const Quantized& q);

}  // namespace lowtide
