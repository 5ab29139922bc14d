#include <fmt/format.h>
#include <lowtide/linalg/broadcast.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace lowtide {
namespace {

using Strides = std::array<std::int64_t, Shape::max_rank>;

// Strides of `x` seen with the shape `out`: 0 where it is stretched.
Strides strides_in(const Shape& x, const Shape& out) {
  Strides s{};
  std::int64_t step = 1;
  for (int a = x.rank() - 1, b = out.rank() - 1; a >= 0; --a, --b) {
    s[static_cast<std::size_t>(b)] = x[a] == 1 ? 0 : step;
    step *= x[a];
  }
  return s;
}

// Sum with 16 running partial sums in blocks: vectorizes, and errors grow with the block alone.
template <class T>
T sum_of(const T* x, std::int64_t n) {
  constexpr std::int64_t lanes = 16, block = 4096;
  T total{0};
  for (std::int64_t start = 0; start < n; start += block) {
    const std::int64_t end = std::min(n, start + block);
    T partial[lanes] = {};
    std::int64_t i = start;
    for (; i + lanes <= end; i += lanes)
      for (std::int64_t l = 0; l < lanes; ++l) partial[l] += x[i + l];
    T sum{0};
    for (; i < end; ++i) sum += x[i];
    for (std::int64_t width = lanes / 2; width > 0; width /= 2)
      for (std::int64_t l = 0; l < width; ++l) partial[l] += partial[l + width];
    total += sum + partial[0];
  }
  return total;
}

// x seen as (outer, middle, inner), summed over the middle axis.
template <class T>
void sum_middle(const T* x, T* y, std::int64_t outer, std::int64_t middle, std::int64_t inner) {
  for (std::int64_t o = 0; o < outer; ++o, x += middle * inner, y += inner) {
    if (inner == 1) {
      *y = sum_of(x, middle);
      continue;
    }
    std::fill_n(y, inner, T{0});
    for (std::int64_t m = 0; m < middle; ++m)
      for (std::int64_t i = 0; i < inner; ++i) y[i] += x[m * inner + i];
  }
}

}  // namespace

void broadcast_loop(Tensor& out, std::span<const Tensor* const> operands, InnerLoop loop) {
  const std::int64_t size = out.size();
  if (size == 0) return;
  const std::size_t count = operands.size(), width = size_of(out.dtype);
  void* to = dispatch(out.dtype, [&](auto zero) -> void* { return out.mutable_data<decltype(zero)>(); });

  const void* in[max_operands];
  std::int64_t step[max_operands];
  bool flat = true;
  for (std::size_t k = 0; k < count; ++k) {
    in[k] = operands[k]->buffer.bytes() + operands[k]->offset * width;
    const std::int64_t n = operands[k]->size();
    step[k] = n == 1 ? 0 : 1;
    flat = flat && (n == 1 || n == size);
  }
  if (flat) return loop(to, in, step, size);

  // Axes from the innermost outwards; neighbours along which every operand walks evenly are merged.
  Strides strides[max_operands];
  for (std::size_t k = 0; k < count; ++k) strides[k] = strides_in(operands[k]->shape, out.shape);
  std::array<std::int64_t, Shape::max_rank> extent{};
  Strides merged[max_operands]{};
  std::size_t axes = 0;
  for (int axis = out.shape.rank() - 1; axis >= 0; --axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (out.shape[axis] == 1) continue;
    bool merge = axes > 0;
    for (std::size_t k = 0; k < count && merge; ++k)
      merge = strides[k][a] == merged[k][axes - 1] * extent[axes - 1];
    if (merge) {
      extent[axes - 1] *= out.shape[axis];
      continue;
    }
    extent[axes] = out.shape[axis];
    for (std::size_t k = 0; k < count; ++k) merged[k][axes] = strides[k][a];
    ++axes;
  }
  for (std::size_t k = 0; k < count; ++k) step[k] = merged[k][0];

  std::array<std::int64_t, Shape::max_rank> index{};
  auto* row = static_cast<std::byte*>(to);
  for (std::int64_t rows = size / extent[0]; rows > 0;
       --rows, row += static_cast<std::size_t>(extent[0]) * width) {
    const void* at[max_operands];
    for (std::size_t k = 0; k < count; ++k) {
      std::int64_t offset = 0;
      for (std::size_t a = 1; a < axes; ++a) offset += index[a] * merged[k][a];
      at[k] = static_cast<const std::byte*>(in[k]) + static_cast<std::size_t>(offset) * width;
    }
    loop(row, at, step, extent[0]);
    for (std::size_t a = 1; a < axes && ++index[a] == extent[a]; ++a) index[a] = 0;
  }
}

Shape broadcast_shape(const char* op, std::span<const Tensor* const> operands) {
  Shape shape = operands[0]->shape;
  for (std::size_t k = 1; k < operands.size(); ++k) {
    if (operands[k]->shape == shape) continue;
    Shape both;
    if (!broadcast(shape, operands[k]->shape, both))
      fail<ShapeError>(op, fmt::format("shapes {} and {} do not broadcast: aligned at the right, extents must "
                                       "agree or be 1",
                                       to_string(shape), to_string(operands[k]->shape)));
    shape = both;
  }
  return shape;
}

Tensor sum_to_shape(const Tensor& x, const Shape& shape) {
  Shape check;
  if (!broadcast(shape, x.shape, check) || !(check == x.shape))
    fail<ShapeError>("sum_to",
                     fmt::format("{} does not broadcast to {}", to_string(shape), to_string(x.shape)));
  Tensor y = x;
  const int shift = x.shape.rank() - shape.rank();
  for (int axis = 0; axis < x.shape.rank(); ++axis) {
    const std::int64_t middle = y.shape[axis];
    if (axis >= shift && shape[axis - shift] == middle) continue;
    std::int64_t outer = 1, inner = 1;
    for (int a = 0; a < axis; ++a) outer *= y.shape[a];
    for (int a = axis + 1; a < y.shape.rank(); ++a) inner *= y.shape[a];
    Tensor z(y.shape.with(axis, 1), x.dtype);
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      sum_middle(y.data<T>(), z.mutable_data<T>(), outer, middle, inner);
    });
    y = std::move(z);
  }
  return y.reshaped(shape);
}

Tensor broadcast_to_shape(const Tensor& x, const Shape& shape) {
  Shape check;
  if (!broadcast(x.shape, shape, check) || !(check == shape))
    fail<ShapeError>("broadcast_to",
                     fmt::format("{} does not broadcast to {}", to_string(x.shape), to_string(shape)));
  if (x.shape == shape) return x;
  if (x.size() == shape.size()) return x.reshaped(shape);
  Tensor y(shape, x.dtype);
  const Tensor* operands[] = {&x};
  broadcast_loop(y, operands, dispatch(x.dtype, [](auto zero) -> InnerLoop {
                   using T = decltype(zero);
                   return [](void* out, const void* const* in, const std::int64_t* step, std::int64_t n) {
                     auto* to = static_cast<T*>(out);
                     const auto* from = static_cast<const T*>(in[0]);
                     if (step[0])
                       std::copy_n(from, n, to);
                     else
                       std::fill_n(to, n, *from);
                   };
                 }));
  return y;
}

}  // namespace lowtide
