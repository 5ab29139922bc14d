#include "explorer.h"

#include <lowtide/experiments/reduction_study.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "packed.h"

namespace lowtide::app {
namespace {

using Json = nlohmann::ordered_json;
static_assert(std::endian::native == std::endian::little);

std::string packed(const Tensor& part, Dtype dtype) {
  const Tensor numbers = part.cast(dtype);
  const auto begin = dtype == Dtype::f32 ? reinterpret_cast<const unsigned char*>(numbers.data<float>())
                                         : reinterpret_cast<const unsigned char*>(numbers.data<double>());
  const std::size_t size = dtype == Dtype::f32 ? sizeof(float) : sizeof(double);
  return base64({begin, size * static_cast<std::size_t>(numbers.size())});
}

Json layers_of(const LowRankWeights& net) {
  Json layers = Json::array();
  for (const LowRankLayer& layer : net.layers)
    layers.push_back({{"in", layer.in()},
                      {"out", layer.out()},
                      {"rank", layer.weight_rank()},
                      {"biases", layer.bias_rank()},
                      {"u", packed(layer.u, Dtype::f32)},
                      {"v", packed(layer.v, Dtype::f32)},
                      {"b", packed(layer.b, Dtype::f32)}});
  return layers;
}

// As long as it must be for nine digits, and 512 terms at most: a head of relu has kinks in time.
Series long_enough(const CoefficientsAt& coordinates) {
  Series series;
  for (std::int64_t degree = 31; degree < 512; degree = 2 * degree + 1) {
    series = series_of(coordinates, -1, 1, degree);
    const std::vector<std::int64_t> needed = degrees(series, 1e-9);
    const std::int64_t most = *std::max_element(needed.begin(), needed.end());
    if (most < degree) return {series.terms.rows(0, most + 1)};
  }
  return series;
}

Json ranges_of(const Tensor& rows) {
  Json ranges = Json::array();
  for (std::int64_t j = 0; j < rows.shape[1]; ++j) {
    double low = rows.at(j), high = low;
    for (std::int64_t i = j; i < rows.size(); i += rows.shape[1]) {
      low = std::min(low, rows.at(i));
      high = std::max(high, rows.at(i));
    }
    ranges.push_back({low, high});
  }
  return ranges;
}

// Of each field over all times and a grid of points, in physical units.
Json field_ranges(const LowRankModel& model, const LowRankWeights& net, const Tensor& s) {
  const std::int64_t d = net.in(), side = d == 1 ? 400 : 40, n = d == 1 ? side : side * side;
  Tensor x({n, d}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t a = 0; a < d; ++a) {
      const std::int64_t cell = a == 0 ? i % side : i / side;
      x.mutable_data<double>()[i * d + a] = (2 * static_cast<double>(cell) + 1) / static_cast<double>(side) - 1;
    }
  const std::int64_t times = std::min<std::int64_t>(41, s.shape[0]), c = net.out();
  Tensor all({times * n, c}, Dtype::f64);
  double* to = all.mutable_data<double>();
  for (std::int64_t k = 0; k < times; ++k) {
    const std::int64_t row = k * (s.shape[0] - 1) / (times - 1);
    const Tensor u = model.physical_values(values(net, x, s.rows(row, row + 1)));
    to = std::copy_n(u.data<double>(), u.size(), to);
  }
  return ranges_of(all);
}

Json pairs_of(const std::vector<Range>& ranges) {
  Json pairs = Json::array();
  for (const Range& range : ranges) pairs.push_back({range.low, range.high});
  return pairs;
}

}  // namespace

Json explorer_data(const LowRankModel& model) {
  const StudyOptions options{};
  const Tensor times = linspace(-1, 1, options.times, Dtype::f64), s = model.coefficients(times);
  const Truncation kept = truncation(model.weights, s, options.threshold);
  const LowRankModel fewer = truncated(model, kept);
  const LowRankWeights& net = fewer.weights;
  if (net.coefficients() == 0) return {};
  const Tensor few = truncated(model.weights, s, kept);
  const Hypermodes all = hypermodes(times, few);
  const Tensor modes = all.first(std::max<std::int64_t>(1, all.significant(options.threshold)));
  const auto coordinates_at = [&](const Tensor& t) { return coordinates(modes, fewer.coefficients(t)); };
  const Series series = long_enough(coordinates_at);
  const Tensor way = coordinates(modes, few);
  return {{"activation", std::string(name_of(net.activation))},
          {"fields", model.scaling.fields},
          {"size", model.scaling.size},
          {"x", pairs_of(model.scaling.x)},
          {"t", Json{model.scaling.t[0].low, model.scaling.t[0].high}},
          {"layers", layers_of(net)},
          {"modes", modes.shape[1]},
          {"phi", packed(modes, Dtype::f64)},
          {"terms", series.terms.shape[0]},
          {"series", packed(series.terms, Dtype::f64)},
          {"ranges", ranges_of(way)},
          {"fieldRanges", field_ranges(model, net, from_coordinates(modes, way))}};
}

}  // namespace lowtide::app
