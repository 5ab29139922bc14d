#include "physics_figure.h"

#include <fmt/format.h>
#include <lowtide/experiments/measures.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gnuplot.h"
#include "model_field.h"
#include "run_figure.h"
#include "sheet.h"

namespace lowtide::app {
namespace fs = std::filesystem;
namespace {

std::vector<Entry> legend_of(const std::vector<FinishedRun>& runs) {
  std::vector<Entry> legend;
  const std::vector<std::string> names = names_of(runs);
  for (std::size_t r = 0; r < runs.size(); ++r) legend.push_back({names[r], colour_of(r)});
  return legend;
}

double error_of(const Snapshots& set, const Snapshots& prediction, std::int64_t frame,
                const std::vector<std::int64_t>& fields) {
  MeasureSum sum;
  sum.add(set.points(frame), set.weights(frame), columns(set.values(frame), fields), prediction.values(frame));
  return sum.result().rel_l2;
}

// Frames with the same parameters beside time, one after the other.
std::vector<std::vector<std::int64_t>> families(const Snapshots& set) {
  std::vector<std::vector<std::int64_t>> all;
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    if (all.empty() || parameters_of(set, k) != parameters_of(set, all.back()[0])) all.emplace_back();
    all.back().push_back(k);
  }
  return all;
}

// A line of metrics.jsonl a row: (key, value) where it is a number.
using MetricsRow = std::vector<std::pair<std::string, double>>;
std::vector<MetricsRow> metrics_of(const FinishedRun& run) {
  std::vector<MetricsRow> rows;
  const fs::path file = fs::path(run.name) / "metrics.jsonl";
  if (!fs::exists(file)) return rows;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::ordered_json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    rows.emplace_back();
    for (const auto& [key, value] : json.items())
      if (value.is_number()) rows.back().emplace_back(key, value.get<double>());
  }
  return rows;
}

double value_of(const MetricsRow& row, const std::string& key) {
  for (const auto& [name, value] : row)
    if (name == key) return value;
  return NAN;
}

}  // namespace

bool solves_an_equation(const SavedModel& model) { return model.from_equation || model.evolved.has_value(); }

bool draw_errors(const std::vector<FinishedRun>& runs, const Snapshots& set, const fs::path& path) {
  std::vector<std::vector<std::int64_t>> shown = families(set);
  if (shown.size() > 4) {  // evenly spread
    std::vector<std::vector<std::int64_t>> some;
    for (std::size_t k = 0; k < 4; ++k) some.push_back(shown[k * (shown.size() - 1) / 3]);
    shown = std::move(some);
  }
  const int columns = shown.size() > 1 ? 2 : 1, rows = shown.size() > 2 ? 2 : 1;
  Sheet sheet{.figure = {.width = columns == 1 ? 640 : 960, .height = 70 + 330 * rows}};
  std::vector<std::string> plots(shown.size());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const Snapshots own = predicted(runs[r].model, set);
    const std::vector<std::int64_t> fields = columns_of(set, runs[r].model.scaling.fields);
    for (std::size_t f = 0; f < shown.size(); ++f) {
      std::string table;
      for (const std::int64_t k : shown[f])
        if (const double error = error_of(set, own, k, fields); error > 1e-9)  // not what is built in

          append_row(table, {set.time(k), error});
      plots[f] += fmt::format("{}{} using 1:2 with linespoints pt 7 ps 0.4 lw 1.6 lc rgb '{}'",
                              plots[f].empty() ? "" : ", ", sheet.block(table), colour_of(r));
    }
  }
  sheet.panels(rows, columns, {.left = 85}, legend_of(runs));
  sheet.add("set logscale y; set format y '10^{%L}'\n");
  for (std::size_t f = 0; f < shown.size(); ++f) {
    std::string title;
    const std::vector<double> mu = parameters_of(set, shown[f][0]);
    for (std::size_t p = 0; p < mu.size(); ++p)
      title += fmt::format("{}{} = {:.4g}", p == 0 ? "" : ", ", set.parameters[p], mu[p]);
    sheet.x_label("t");
    sheet.y_label(f % 2 == 0 ? "relative l2 error" : "");
    sheet.panel(title, plots[f]);
  }
  return sheet.finish(path);
}

bool draw_agreement(const std::vector<FinishedRun>& runs, const Snapshots& set, const fs::path& path) {
  constexpr std::int64_t most = 1500;  // points of a panel
  Sheet sheet{.figure = {.width = 960, .height = 440}};
  const std::string& field = runs.at(0).model.scaling.fields[0];
  const std::int64_t column = columns_of(set, {field})[0];
  std::vector<std::int64_t> frames{0, set.frames() / 2, set.frames() - 1};
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  std::vector<std::string> plots;
  for (const std::int64_t k : frames) {
    const Tensor x = set.points(k), u = columns(set.values(k), {column});
    const std::int64_t n = x.shape[0], step = (n + most - 1) / most;
    const auto [low, high] = std::minmax_element(u.view<double>().begin(), u.view<double>().end());
    std::string line, plot;
    append_row(line, {*low, *low});
    append_row(line, {*high, *high});
    plot = fmt::format("{} using 1:2 with lines lw 1 lc rgb '#999999'", sheet.block(line));
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const Tensor v = runs[r].model.values(x, set.time(k), parameters_of(set, k));
      std::string rows;
      for (std::int64_t i = 0; i < n; i += step) append_row(rows, {u.at(i), v.at(i * v.shape[1])});
      plot +=
          fmt::format(", {} using 1:2 with points pt 7 ps 0.25 lc rgb '{}'", sheet.block(rows), colour_of(r));
    }
    plots.push_back(std::move(plot));
  }
  sheet.panels(1, static_cast<int>(frames.size()), {.left = 85}, legend_of(runs));
  for (std::size_t p = 0; p < frames.size(); ++p) {
    sheet.x_label(fmt::format("{}, reference", field));
    sheet.y_label(p == 0 ? fmt::format("{}, model", field) : "");
    sheet.panel(fmt::format("t = {:.4g}", set.time(frames[p])), plots[p]);
  }
  return sheet.finish(path);
}

bool draw_progress(const std::vector<FinishedRun>& runs, const fs::path& path) {
  constexpr std::size_t most = 6;  // panels
  std::vector<std::vector<MetricsRow>> all;
  std::vector<std::string> keys;
  for (const FinishedRun& run : runs) {
    all.push_back(metrics_of(run));
    for (const MetricsRow& row : all.back())
      for (const auto& [key, value] : row)
        if (key != "step" && key != "seconds" && key != "t" && value > 0 && keys.size() < most &&
            std::find(keys.begin(), keys.end(), key) == keys.end())
          keys.push_back(key);
  }
  if (keys.empty()) return true;
  const bool over_time = std::any_of(all[0].begin(), all[0].end(),
                                     [](const MetricsRow& row) { return !std::isnan(value_of(row, "t")); });
  const int columns = keys.size() > 1 ? 2 : 1, rows = static_cast<int>((keys.size() + 1) / 2);
  Sheet sheet{.figure = {.width = columns == 1 ? 640 : 960, .height = 70 + 250 * rows}};
  std::vector<std::string> plots(keys.size());
  for (std::size_t r = 0; r < runs.size(); ++r)
    for (std::size_t p = 0; p < keys.size(); ++p) {
      std::string table;
      const std::size_t step = (all[r].size() + 599) / 600;
      for (std::size_t i = 0; i < all[r].size(); i += step)
        if (const double value = value_of(all[r][i], keys[p]); value > 0)
          append_row(table, {value_of(all[r][i], over_time ? "t" : "step"), value});
      plots[p] += fmt::format("{}{} using 1:2 with lines lw 1.4 lc rgb '{}'", plots[p].empty() ? "" : ", ",
                              sheet.block(table), colour_of(r));
    }
  sheet.panels(rows, columns, {.left = 85}, legend_of(runs));
  sheet.add("set logscale y; set format y '10^{%L}'\n");
  for (std::size_t p = 0; p < keys.size(); ++p) {
    sheet.x_label(p + 2 >= keys.size() ? (over_time ? "t" : "step") : "");
    sheet.panel(keys[p], plots[p]);
  }
  return sheet.finish(path);
}

}  // namespace lowtide::app
