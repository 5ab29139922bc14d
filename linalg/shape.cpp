#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/shape.h>

#include <algorithm>

namespace lowtide {

Shape::Shape(std::initializer_list<std::int64_t> extents) {
  if (extents.size() > max_rank)
    fail<ShapeError>("shape", fmt::format("rank {} is above the limit of {}", extents.size(), max_rank));
  for (std::int64_t n : extents) extent_[static_cast<std::size_t>(rank_++)] = n;
  check();
}

void Shape::check() const {
  __int128 total = 1;  // a product of two extents that passed cannot overflow it
  for (int a = 0; a < rank_; ++a) {
    if ((*this)[a] < 0) fail<ShapeError>("shape", fmt::format("negative extent {}", (*this)[a]));
    total *= (*this)[a];
    if (total > (std::int64_t{1} << 47)) fail<ShapeError>("shape", "more than 2^47 elements");
  }
}

std::int64_t Shape::row_size() const {
  std::int64_t n = 1;
  for (int a = 1; a < rank_; ++a) n *= (*this)[a];
  return n;
}

Shape Shape::with(int axis, std::int64_t extent) const {
  Shape s = *this;
  s.extent_[static_cast<std::size_t>(axis)] = extent;
  s.check();
  return s;
}

Shape Shape::without(int axis) const {
  Shape s;
  for (int a = 0; a < rank_; ++a)
    if (a != axis) s.extent_[static_cast<std::size_t>(s.rank_++)] = (*this)[a];
  return s;
}

Shape Shape::appended(std::int64_t extent) const {
  if (rank_ == max_rank)
    fail<ShapeError>("shape", fmt::format("no room for another axis in {}", to_string(*this)));
  Shape s = *this;
  s.extent_[static_cast<std::size_t>(s.rank_++)] = extent;
  s.check();
  return s;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (int a = 0; a < shape.rank(); ++a) text += (a ? "," : "") + std::to_string(shape[a]);
  return text + ")";
}

bool broadcast(const Shape& a, const Shape& b, Shape& result) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  result = longer;
  const int shift = longer.rank() - shorter.rank();
  for (int axis = 0; axis < shorter.rank(); ++axis) {
    const std::int64_t m = longer[axis + shift], n = shorter[axis];
    if (m == n || n == 1) continue;
    if (m != 1) return false;
    result = result.with(axis + shift, n);
  }
  return true;
}

int checked_axis(const char* op, const Shape& shape, int axis) {
  const int a = axis < 0 ? axis + shape.rank() : axis;
  if (a < 0 || a >= shape.rank())
    fail<ShapeError>(op, fmt::format("axis {} of a tensor of shape {}", axis, to_string(shape)));
  return a;
}

}  // namespace lowtide
