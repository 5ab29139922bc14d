// The extents of a tensor: rank 0 to 4, row-major.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace lowtide {

struct Shape {
  static constexpr int max_rank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return extent_[static_cast<std::size_t>(axis)]; }
  std::int64_t size() const {
    std::int64_t n = 1;
    for (int a = 0; a < rank_; ++a) n *= (*this)[a];
    return n;
  }
  std::int64_t rows() const { return rank_ == 0 ? 1 : (*this)[0]; }
  // Number of elements behind one index of the first axis.
  std::int64_t row_size() const;

  Shape with(int axis, std::int64_t extent) const;  // one extent replaced
  Shape without(int axis) const;                    // one axis dropped
  Shape appended(std::int64_t extent) const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && a.extent_ == b.extent_;
  }

 private:
  void check() const;  // no extent negative, not more than 2^47 elements

  std::array<std::int64_t, max_rank> extent_{};  // zero beyond the rank
  int rank_ = 0;
};

std::string to_string(const Shape& shape);  // "(4,3)"

// The shape that both broadcast to (axes aligned at the right, extent 1 stretches); false if none.
bool broadcast(const Shape& a, const Shape& b, Shape& result);

// Axis in [0, rank) from one that may count from the end; throws ShapeError naming `op`.
int checked_axis(const char* op, const Shape& shape, int axis);

}  // namespace lowtide
