#include "points.h"

#include <fmt/format.h>

#include "verbs.h"

#include <cstdio>

namespace lowtide::app {

Tensor grid_of(const Scaling& scaling, std::int64_t cells) {
  const std::int64_t d = scaling.dims();
  std::int64_t n = 1;
  for (std::int64_t a = 0; a < d; ++a) n *= cells;
  Tensor points({n, d}, Dtype::f64);
  double* to = points.mutable_data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t a = 0, rest = i; a < d; ++a, rest /= cells) {
      const Range& range = scaling.x[static_cast<std::size_t>(a)];
      *to++ = range.low +
              (range.high - range.low) * (static_cast<double>(rest % cells) + .5) / static_cast<double>(cells);
    }
  return points;
}

void warn_of_times_outside(const Scaling& scaling, const std::vector<double>& times) {
  const double low = scaling.t[0].low, high = scaling.t[0].high;
  for (const double t : times)
    if (t < low || t > high)
      fmt::print(stderr, "{}: t = {} lies outside of [{}, {}], where the model has been trained\n",
                 program_name(), t, low, high);
}

}  // namespace lowtide::app
