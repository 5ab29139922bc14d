// What the solver computes on: fields over a grid with ghost cells, and scratch for a tile.
#pragma once
#include <lowtide/pde/grid.h>
#include <lowtide/pde/law.h>

#include <algorithm>
#include <vector>

namespace lowtide::pde {

constexpr std::int64_t ghosts = 2;

// One number a cell and equation, with ghost cells around, rows of x one after the other.
class Field {
 public:
  Field() = default;
  Field(const Grid& grid, int equations)
      : equations_(equations),
        stride_((grid.cells[0] + 2 * ghosts + 7) / 8 * 8 + pack_slack),
        halo_(grid.dims == 2 ? ghosts : 0),
        plane_(stride_ * (grid.cells[1] + 2 * halo_) + pack_slack),
        numbers_(static_cast<std::size_t>(plane_ * equations)) {}

  double* at(int equation, std::int64_t i, std::int64_t j) {
    return numbers_.data() + equation * plane_ + (j + halo_) * stride_ + i + ghosts;
  }
  Row row(std::int64_t i, std::int64_t j) {
    Row row;
    for (int c = 0; c < equations_; ++c) row.of[c] = at(c, i, j);
    return row;
  }
  std::int64_t stride() const { return stride_; }
  void fill(int equation, double value) { std::fill_n(numbers_.begin() + equation * plane_, plane_, value); }

 private:
  int equations_ = 0;
  std::int64_t stride_ = 0, halo_ = 0, plane_ = 0;
  std::vector<double> numbers_;
};

// Scratch of a tile: `count` sets of rows with room for n numbers and the slack. One at a time on a thread,
// whose memory the next one takes over; what it holds at first says nothing.
class Scratch {
 public:
  Scratch(int equations, int count, std::int64_t n)
      : equations_(equations), length_(n + 2 * pack_slack), numbers_(memory()) {
    const auto size = static_cast<std::size_t>(length_ * equations * count);
    if (numbers_.size() < size) numbers_.resize(size);
  }
  Row row(int which) {
    Row row;
    for (int c = 0; c < equations_; ++c) row.of[c] = numbers_.data() + (which * equations_ + c) * length_;
    return row;
  }

 private:
  static std::vector<double>& memory() {
    thread_local std::vector<double> kept;
    return kept;
  }
  int equations_;
  std::int64_t length_;
  std::vector<double>& numbers_;
};

inline Row shifted(Row row, std::int64_t by) {
  for (double*& p : row.of)
    if (p) p += by;
  return row;
}

}  // namespace lowtide::pde
