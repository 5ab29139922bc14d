#include <lowtide/physics/characteristics.h>

#include <cmath>
#include <vector>

namespace lowtide {

bool trace_back(const Velocity& velocity, std::span<double> z, double t, int steps) {
  const std::size_t d = z.size();
  std::vector<double> k[4], at(d);
  for (auto& stage : k) stage.resize(d);
  const double h = -t / steps;
  for (int step = 0; step < steps; ++step) {
    for (int stage = 0; stage < 4; ++stage) {
      const double share = stage == 0 ? 0 : stage == 3 ? 1 : 0.5;
      for (std::size_t i = 0; i < d; ++i) at[i] = z[i] + (stage == 0 ? 0 : share * h * k[stage - 1][i]);
      velocity(at, k[stage]);
    }
    bool inside = true;
    for (std::size_t i = 0; i < d; ++i) {
      z[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
      inside = inside && std::abs(z[i]) <= 1;
    }
    if (!inside) return false;
  }
  return true;
}

}  // namespace lowtide
