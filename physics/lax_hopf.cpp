#include <lowtide/physics/lax_hopf.h>

#include <algorithm>
#include <utility>

namespace lowtide {

LaxHopf::LaxHopf(std::function<double(double)> u0, double first, double last, std::int64_t samples)
    : u0_(std::move(u0)), first_(first), h_((last - first) / static_cast<double>(samples)), integral_{0} {
  for (std::int64_t i = 0; i < samples; ++i) {
    const double y = first + h_ * static_cast<double>(i);
    integral_.push_back(integral_.back() + h_ / 6 * (u0_(y) + 4 * u0_(y + h_ / 2) + u0_(y + h_)));
  }
}

double LaxHopf::operator()(double x, double t) const {
  if (t <= 0) return u0_(x);
  const std::size_t n = integral_.size() - 1;
  const auto place = [&](std::size_t i) { return first_ + h_ * static_cast<double>(i); };
  const auto cost = [&](std::size_t i) { return integral_[i] + (x - place(i)) * (x - place(i)) / (2 * t); };
  std::size_t best = 0;
  for (std::size_t i = 1; i <= n; ++i)
    if (cost(i) < cost(best)) best = i;
  // Outside of [first, last] nothing moves: y = x there, at the cost of the whole integral.
  if (x <= place(0) && cost(best) >= 0) return 0;
  if (x >= place(n) && cost(best) >= integral_[n]) return 0;
  double left = place(best == 0 ? 0 : best - 1),
         right = place(std::min(best + 1, n));  // a zero of the slope between
  for (int i = 0; i < 50; ++i) {
    const double y = (left + right) / 2;
    (u0_(y) - (x - y) / t < 0 ? left : right) = y;
  }
  return (x - (left + right) / 2) / t;
}

}  // namespace lowtide
