#include <fmt/format.h>
#include <lowtide/experiments/parameter_family.h>
#include <lowtide/io/file.h>

#include <charconv>
#include <cmath>

namespace lowtide {

std::vector<double> evenly(double low, double high, std::int64_t count) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const double part = count == 1 ? .5 : static_cast<double>(i) / static_cast<double>(count - 1);
    values.push_back((1 - part) * low + part * high);
  }
  return values;
}

std::vector<double> by_equal_factors(double low, double high, std::int64_t count) {
  std::vector<double> values = evenly(std::log(low), std::log(high), count);
  for (double& value : values) value = std::min(high, std::max(low, std::exp(value)));
  return values;
}

std::vector<double> between(const std::vector<double>& values) {
  if (values.size() == 1) return values;
  std::vector<double> middles;
  for (std::size_t i = 1; i < values.size(); ++i) middles.push_back((values[i - 1] + values[i]) / 2);
  return middles;
}

std::vector<double> new_values(CaseRun& run, const std::vector<double>& training) {
  const std::string text = run.param(
      "new_values", "", "values to measure errors at, with commas between; none: the means of neighbours");
  if (text.empty()) return between(training);
  std::vector<double> values;
  for (const char *at = text.data(), *end = at + text.size();; ++at) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !std::isfinite(value) || (next != end && *next != ','))
      throw InputError(fmt::format("setting new_values={}: numbers with commas between expected", text));
    values.push_back(value);
    if (next == end) return values;
    at = next;
  }
}

std::vector<std::vector<double>> as_parameters(const std::vector<double>& values) {
  std::vector<std::vector<double>> all;
  for (const double value : values) all.push_back({value});
  return all;
}

Snapshots family_on_grid(const Pinn& pinn, ReferenceGrid grid, const std::vector<double>& new_values,
                         const PointSolution& solution) {
  grid.mu = as_parameters(new_values);
  grid.mu.insert(grid.mu.end(), pinn.training.begin(), pinn.training.end());
  Snapshots set = on_grid(grid, solution);
  set.heldout.assign(static_cast<std::size_t>(set.frames()), 0);
  std::fill_n(set.heldout.begin(), new_values.size() * grid.times.size(), std::uint8_t{1});
  return set;
}

}  // namespace lowtide
