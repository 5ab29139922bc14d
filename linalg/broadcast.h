// One driver for every elementwise loop: it lines up the operands, merges axes, and calls the inner
// loop on runs that are contiguous in the result. Only the inner loop is a template elsewhere.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <span>

namespace lowtide {

// out[i] for i in [0, n) from the operands at in[k], which advance by step[k] (0 or 1) elements.
using InnerLoop = void (*)(void* out, const void* const* in, const std::int64_t* step, std::int64_t n);

constexpr std::size_t max_operands = 5;

// `out` must have its final shape and own its buffer; every operand must broadcast to it.
void broadcast_loop(Tensor& out, std::span<const Tensor* const> operands, InnerLoop loop);

// The common shape of the operands; throws ShapeError naming `op` and the shapes that disagree.
Shape broadcast_shape(const char* op, std::span<const Tensor* const> operands);

// Sum over the axes in which `shape` is 1 or missing, so that broadcasting `shape` gives x.shape.
Tensor sum_to_shape(const Tensor& x, const Shape& shape);
Tensor broadcast_to_shape(const Tensor& x, const Shape& shape);

}  // namespace lowtide
