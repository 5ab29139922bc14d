#include "model_field.h"

#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

namespace lowtide::app {

std::vector<double> field_on(const LowRankModel& model, const Lattice& lattice, const Tensor& s) {
  const Tensor x = model.scaled_points(lattice.points()), row = s.reshaped({1, s.size()});
  const std::int64_t n = x.shape[0], out = model.weights.out();
  std::vector<double> field;
  for (std::int64_t begin = 0; begin < n; begin += 2000) {  // the states of a wide network need much memory
    const Tensor u = values(model.weights, x.rows(begin, std::min(n, begin + 2000)), row);
    for (std::int64_t i = 0; i < u.shape[0]; ++i) field.push_back(u.at(i * out) * model.scaling.size[0]);
  }
  return field;
}

std::vector<double> field_on(const SavedModel& model, const Lattice& lattice, double t) {
  const Tensor x = lattice.points();
  std::vector<double> mu, field;
  for (std::size_t p = 1; p < model.scaling.t.size(); ++p)
    mu.push_back((model.scaling.t[p].low + model.scaling.t[p].high) / 2);
  for (std::int64_t begin = 0; begin < x.shape[0]; begin += 2000) {
    const Tensor u = model.values(x.rows(begin, std::min(x.shape[0], begin + 2000)), t, mu);
    for (std::int64_t i = 0; i < u.shape[0]; ++i) field.push_back(u.at(i * u.shape[1]));
  }
  return field;
}

double range_of(const std::vector<double>& values) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const double v : values)
    if (!std::isnan(v)) least = std::min(least, v), most = std::max(most, v);
  return most > least ? most - least : 0;
}

double change(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size())) / range_of(a);
}

double time_at(const Scaling& scaling, double part) {
  return scaling.t[0].low + part * (scaling.t[0].high - scaling.t[0].low);
}

Tensor coefficients_at(const LowRankModel& model, double t) {
  return model.coefficients(from({1}, {model.scaled_time(t)}));
}

Hypermodes modes_of(const ReportRun& run) {
  if (run.study && run.study->modes.modes) return run.study->modes;
  const Tensor times = linspace(-1, 1, 401, Dtype::f64);
  return hypermodes(times, run.low_rank->coefficients(times));
}

std::vector<double> speeds(const LowRankModel& model, const Tensor& modes, std::int64_t count, double t) {
  std::vector<std::int64_t> which;
  for (std::int64_t i = 0; i < count; ++i) which.push_back(i);
  const Tensor leading = columns_of(modes, which);
  const Series c =
      series_of([&](const Tensor& at) { return coordinates(leading, model.coefficients(at)); }, -1, 1, 96);
  return to_vector(c.derivative_at(from({1}, {model.scaled_time(t)})));
}

double eta_for(const LowRankModel& model, const Lattice& lattice, const Tensor& s, const Tensor& modes,
               std::int64_t i, double target, double sign) {
  const std::vector<double> u = field_on(model, lattice, s);
  const double size = norm(s);
  if (!(range_of(u) > 0) || !(size > 0)) return 0;
  const auto effect = [&](double eta) {
    return change(u, field_on(model, lattice, moved(s, modes, i, sign * eta)));
  };
  double below = 0, above = 1e-3 * size;
  while (effect(above) < target && above < 1e3 * size) below = above, above *= 2;
  while (below == 0 && above > 1e-12 * size && effect(above / 2) > target) above /= 2;
  if (below == 0) below = above / 2;
  for (int halving = 0; halving < 10; ++halving) {
    const double middle = .5 * (below + above);
    (effect(middle) < target ? below : above) = middle;
  }
  return .5 * (below + above);
}

std::string prefix_of(const ReportRun& run) {
  std::string name;
  for (const char c : run.run.name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
    if (plain && (c != '.' || !name.empty()))
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name.empty() ? "run" : name;
}

std::vector<std::string> names_of(const std::vector<FinishedRun>& runs) {
  const auto last = [](const FinishedRun& run) {
    const std::filesystem::path path(run.name);
    return (path.filename().empty() ? path.parent_path() : path).filename().string();
  };
  std::vector<std::string> names;
  for (const FinishedRun& run : runs) {
    const auto alike = std::count_if(runs.begin(), runs.end(),
                                     [&](const FinishedRun& other) { return last(other) == last(run); });
    const std::string name = alike > 1 ? run.name : last(run);
    names.push_back(name == run.model.name ? name : fmt::format("{} ({})", run.model.name, name));
  }
  return names;
}

}  // namespace lowtide::app
