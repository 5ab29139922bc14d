#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {

double Schedule::at(double e) const {
  if (!(e >= 0)) fail<Error>("schedule", fmt::format("epoch {} is not in time", e));
  if (!(epochs > 0) || !(every > 0))
    fail<Error>("schedule", fmt::format("{} epochs, steps every {}: both must be positive", epochs, every));
  const double rise = warmup > 0 ? std::min(1.0, e / warmup) : 1.0, part = std::min(1.0, e / epochs);
  switch (kind) {
    case Kind::constant:
      break;
    case Kind::linear:
      return lr * rise * (floor + (1 - floor) * (1 - part));
    case Kind::cosine:
      return lr * rise * (floor + (1 - floor) * (1 + std::cos(std::numbers::pi * part)) / 2);
    case Kind::step:
      return lr * rise * std::max(floor, std::pow(factor, std::floor(e / every)));
  }
  return lr * rise;
}

bool ReduceLROnPlateau::step(double metric, double& lr) {
  // A NaN is not better, as there.
  if (metric < (threshold_mode == Mode::rel ? best * (1 - threshold) : best - threshold)) {
    best = metric;
    bad_epochs = 0;
  } else {
    ++bad_epochs;
  }
  if (cooldown_left > 0) {
    --cooldown_left;
    bad_epochs = 0;
  }
  if (bad_epochs <= patience) return false;
  cooldown_left = cooldown;
  bad_epochs = 0;
  const double lower = std::max(lr * factor, min_lr);
  if (!(lr - lower > eps)) return false;
  lr = lower;
  return true;
}

void ReduceLROnPlateau::reset() {
  best = std::numeric_limits<double>::infinity();
  bad_epochs = cooldown_left = 0;
}

}  // namespace lowtide
