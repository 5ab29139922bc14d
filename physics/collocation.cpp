#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/physics/collocation.h>

#include <algorithm>
#include <boost/random/sobol.hpp>
#include <cmath>
#include <numeric>

namespace lowtide {

const char* name_of(Sampling sampling) { return sampling == Sampling::uniform ? "uniform" : "sobol"; }

Sampling sampling_named(const std::string& name) {
  for (const Sampling sampling : {Sampling::uniform, Sampling::sobol})
    if (name == name_of(sampling)) return sampling;
  throw InputError(fmt::format("unknown sampling {}; there are uniform, sobol", name));
}

Tensor collocation(const Box& box, std::int64_t n, Sampling sampling, const Stream& stream) {
  const std::int64_t d = box.dims();
  if (d < 1 || box.high.size() != box.low.size() || n < 0)
    fail<ShapeError>("collocation", fmt::format("{} points of a box with {} lower and {} upper limits", n,
                                                box.low.size(), box.high.size()));
  Tensor x({n, d}, Dtype::f64);
  double* to = x.mutable_data<double>();
  if (sampling == Sampling::uniform) {
    for (std::int64_t i = 0; i < n * d; ++i) to[i] = stream.uniform(static_cast<std::uint64_t>(i));
  } else {
    boost::random::sobol sequence(static_cast<std::size_t>(d));
    const double size = std::ldexp(1.0, -64);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < d; ++k) {
        const double shifted =
            static_cast<double>(sequence()) * size + stream.uniform(static_cast<std::uint64_t>(k));
        to[i * d + k] = shifted - std::floor(shifted);
      }
  }
  for (std::int64_t i = 0; i < n * d; ++i) {
    const auto k = static_cast<std::size_t>(i % d);
    to[i] = box.low[k] + (box.high[k] - box.low[k]) * to[i];
  }
  return x;
}

Tensor adaptive_points(const Tensor& candidates, const Tensor& residual, std::int64_t n, const Stream& stream,
                       double power, double floor) {
  const std::int64_t m = residual.size();
  if (candidates.shape.rank() != 2 || candidates.shape[0] != m || n > m)
    fail<ShapeError>("adaptive_points",
                     fmt::format("{} of the points {}, with {} residuals", n, to_string(candidates.shape), m));
  std::vector<double> weight(static_cast<std::size_t>(m));
  double sum = 0;
  for (std::int64_t i = 0; i < m; ++i)
    sum += weight[static_cast<std::size_t>(i)] = std::pow(std::abs(residual.at(i)), power);
  if (!std::isfinite(sum)) fail<NonFiniteError>("adaptive_points", "a residual is not finite");
  // Without repetition: the n largest of u^(1/w), u uniform (Efraimidis and Spirakis 2006).
  std::vector<double> key(static_cast<std::size_t>(m));
  for (std::int64_t i = 0; i < m; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const double w = (sum > 0 ? weight[k] * static_cast<double>(m) / sum : 0) + floor;
    key[k] = w > 0 ? std::log1p(-stream.uniform(static_cast<std::uint64_t>(i))) / w : -INFINITY;
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(m));
  std::iota(order.begin(), order.end(), 0);
  const auto first = [&](std::int64_t a, std::int64_t b) {
    const double x = key[static_cast<std::size_t>(a)], y = key[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  };
  std::partial_sort(order.begin(), order.begin() + n, order.end(), first);
  std::sort(order.begin(), order.begin() + n);
  const std::int64_t d = candidates.shape[1];
  Tensor chosen({n, d}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < d; ++k)
      chosen.mutable_data<double>()[i * d + k] = candidates.at(order[static_cast<std::size_t>(i)] * d + k);
  return chosen;
}

}  // namespace lowtide
