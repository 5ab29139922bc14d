// An array as a file holds it: floating-point numbers or integers, with their shape.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <cstdint>
#include <vector>

namespace lowtide {

struct Array {
  Shape shape;
  Tensor numbers;                      // of a floating-point type; none if it holds integers
  std::vector<std::int64_t> integers;  // row-major
};

}  // namespace lowtide
