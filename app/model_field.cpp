#include "model_field.h"

#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

namespace lowtide::app {

std::vector<double> field_on(const LowRankModel& model, const Lattice& lattice, const Tensor& s) {
  const Tensor x = model.scaled_points(lattice.points()), row = s.reshaped({1, s.size()});
  const std::int64_t n = x.shape[0], out = model.weights.out();
  // The states of a wide network need much memory.
  const std::int64_t width = model.weights.layer(0).out(),
                     chunk = std::clamp<std::int64_t>(1'000'000 / width, 64, 2000);
  std::vector<double> field(static_cast<std::size_t>(n));
  parallel_for((n + chunk - 1) / chunk, [&](std::int64_t c) {
    const std::int64_t begin = c * chunk;
    const Tensor u = values(model.weights, x.rows(begin, std::min(n, begin + chunk)), row);
    for (std::int64_t i = 0; i < u.shape[0]; ++i)
      field[static_cast<std::size_t>(begin + i)] = u.at(i * out) * model.scaling.size[0];
  });
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
  // Secants of the logarithms: proportional at first, and like a root of eta when a front has moved by more
  // than its width. Between the bounds found so far, or halfway between them.
  double below = 0, above = 1e3 * size, eta = 1e-3 * size, last_eta = 0, last = 0;
  for (int step = 0; step < 40; ++step) {
    const double now = effect(eta);
    if (std::abs(now / target - 1) < 5e-3) return eta;
    (now < target ? below : above) = eta;
    const double power = last > 0 && now > 0 && now != last
                             ? std::clamp(std::log(now / last) / std::log(eta / last_eta), 0.25, 2.0)
                             : 1;
    double next = now > 0 ? eta * std::pow(target / now, 1 / power) : 100 * eta;
    if (!(next > below && next < above)) next = below > 0 ? std::sqrt(below * above) : above / 2;
    if (above < 1.0001 * below || next == eta) break;
    last_eta = eta, last = now, eta = next;
  }
  return eta;
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
