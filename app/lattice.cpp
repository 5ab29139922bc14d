#include "lattice.h"

#include <lowtide/io/file.h>

namespace lowtide::app {

Tensor Lattice::points() const {
  Tensor x({size(), dims}, Dtype::f64);
  double* to = x.mutable_data<double>();
  for (std::int64_t j = 0; j < n[1]; ++j)
    for (std::int64_t i = 0; i < n[0]; ++i) {
      *to++ = place(0, i);
      if (dims == 2) *to++ = place(1, j);
    }
  return x;
}

Lattice nodes_of(const Scaling& scaling, std::int64_t n, double margin) {
  if (scaling.dims() > 2) throw InputError("there is no picture of three dimensions");
  Lattice lattice{.dims = scaling.dims()};
  for (std::size_t a = 0; a < scaling.x.size(); ++a) {
    const double more = margin * (scaling.x[a].high - scaling.x[a].low);
    lattice.first[a] = scaling.x[a].low - more;
    lattice.last[a] = scaling.x[a].high + more;
    lattice.n[a] = n;
  }
  return lattice;
}

Lattice pixels_of(const Scaling& scaling, std::int64_t n, double margin) {
  Lattice lattice = nodes_of(scaling, n, margin);
  for (std::size_t a = 0; a < scaling.x.size(); ++a) {
    const double half = (lattice.last[a] - lattice.first[a]) / static_cast<double>(2 * n);
    lattice.first[a] += half;
    lattice.last[a] -= half;
  }
  return lattice;
}

Lattice interval(double low, double high, std::int64_t n) {
  return {.dims = 1, .first = {low, 0}, .last = {high, 0}, .n = {n, 1}};
}

}  // namespace lowtide::app
