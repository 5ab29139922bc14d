// The three loops that a folded point model consists of, in the best copy for this processor.
#pragma once
#include <cstdint>

namespace lowtide {

inline constexpr std::int64_t folded_pad = 16;  // floats; strides are multiples of it

struct FoldedKernels {
  // y (stride) += A x, A by columns
  void (*add_product)(const float* a, std::int64_t stride, std::int64_t columns, const float* x, float* y);
  // a (n) *= b (n), n a multiple of the pad
  void (*multiply)(float* a, const float* b, std::int64_t n);
  // sigma, in the order of Activation; n a multiple of the pad
  void (*activate[5])(float* y, std::int64_t n);
};
const FoldedKernels& folded_kernels();

}  // namespace lowtide
