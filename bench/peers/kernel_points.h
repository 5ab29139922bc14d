// The points and the kernel of bench_hmatrix and of its peer: by formula, so that both have the same.
#pragma once
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace peers {

inline double kernel(double dx, double dy) { return 1 / (std::sqrt(dx * dx + dy * dy) + 1e-2); }

// n points (n,2) in no order: on the unit circle, or in the unit square. The fractional parts of multiples of
// an irrational number are spread evenly.
inline std::vector<double> points(std::string_view name, std::int64_t n) {
  const auto part = [](double x) { return x - std::floor(x); };
  std::vector<double> p;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto k = static_cast<double>(i + 1);
    if (name == "circle") {
      const double angle = 2 * M_PI * part(k * 0.61803398874989485);
      p.push_back(std::cos(angle));
      p.push_back(std::sin(angle));
    } else {
      p.push_back(part(k * 0.75487766624669276));
      p.push_back(part(k * 0.56984029099805327));
    }
  }
  return p;
}

// Columns at which errors are measured, spread over all.
inline std::vector<std::int64_t> columns(std::int64_t n, std::int64_t count) {
  std::vector<std::int64_t> c;
  for (std::int64_t j = 0; j < count; ++j) c.push_back((j * n + n / 2) / count);
  return c;
}

}  // namespace peers
