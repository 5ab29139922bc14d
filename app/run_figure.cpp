#include "run_figure.h"

#include <fmt/format.h>
#include <lowtide/experiments/scaling.h>
#include <lowtide/io/file.h>
#include <lowtide/run/figure.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gnuplot.h"
#include "model_field.h"
#include "raster.h"
#include "sheet.h"

namespace lowtide::app {
namespace fs = std::filesystem;

Snapshots predicted(const SavedModel& model, const Snapshots& set, const std::vector<std::int64_t>& frames) {
  Snapshots result = set;
  result.fields = model.scaling.fields;
  const std::int64_t fields = std::ssize(result.fields);
  result.u = zeros({set.u.shape[0], fields}, Dtype::f64);
  double* to = result.u.mutable_data<double>();
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    if (!frames.empty() && std::find(frames.begin(), frames.end(), k) == frames.end()) continue;
    const Tensor u = model.values(set.points(k), set.time(k), parameters_of(set, k));
    std::copy_n(u.data<double>(), u.size(), to + set.offsets[static_cast<std::size_t>(k)] * fields);
  }
  return result;
}

namespace {

// Three frames, moved to the nearest held-out one.
std::vector<std::int64_t> shown_frames(const Snapshots& set) {
  const std::vector<std::int64_t> unseen = set.held_out();
  std::vector<std::int64_t> frames;
  for (const double part : {0.5, 0.76, 0.99}) {
    std::int64_t frame = std::lround(part * static_cast<double>(set.frames() - 1));
    if (!unseen.empty())
      frame = *std::min_element(unseen.begin(), unseen.end(), [&](std::int64_t a, std::int64_t b) {
        return std::abs(a - frame) < std::abs(b - frame);
      });
    if (frames.empty() || frames.back() != frame) frames.push_back(frame);
  }
  return frames;
}

std::string title_of(const Snapshots& set, std::int64_t frame) {
  const bool unseen =
      !set.training().empty() && !set.heldout.empty() && set.heldout[static_cast<std::size_t>(frame)] != 0;
  return fmt::format("t = {:.4g}{}", set.time(frame), unseen ? ", held out" : "");
}

// Where the profile jumps most.
double strongest_jump(const std::vector<std::array<double, 2>>& profile, double from = -INFINITY,
                      double to = INFINITY) {
  double most = -1, place = 0;
  for (std::size_t i = 1; i < profile.size(); ++i)
    if (const double jump = std::abs(profile[i][1] - profile[i - 1][1]);
        jump > most && profile[i - 1][0] >= from && profile[i][0] <= to) {
      most = jump;
      place = .5 * (profile[i][0] + profile[i - 1][0]);
    }
  return place;
}

// A profile as rows, without the points that a panel would not show.
std::string rows_of(const std::vector<std::array<double, 2>>& profile) {
  const double width = profile.back()[0] - profile.front()[0];
  double least = INFINITY, most = -INFINITY;
  for (const auto& point : profile) least = std::min(least, point[1]), most = std::max(most, point[1]);
  Line line;
  for (const auto& [x, u] : profile) line.push_back({x / width, u / (most > least ? most - least : 1)});
  const std::vector<bool> kept = needed(line, 3e-4);
  std::string rows;
  for (std::size_t i = 0; i < profile.size(); ++i)
    if (kept[i]) append_row(rows, {profile[i][0], profile[i][1]});
  return rows;
}

Sheet profiles(const std::vector<FinishedRun>& runs, const std::vector<Snapshots>& all, const Snapshots& set,
               std::int64_t field) {
  const std::vector<std::int64_t> frames = shown_frames(set);
  Sheet sheet{.figure = {.width = 960, .height = 720}};
  const Frame2D frame = frame_of(set, 1000);
  const double low = frame.low[0], high = frame.high[0], reach = .06 * (high - low);
  const std::vector<std::string> names = names_of(runs);
  std::vector<Entry> legend{{set.training().empty() ? "reference" : "data", "#aaaaaa", false, 4}};
  for (std::size_t r = 0; r < runs.size(); ++r) legend.push_back({names[r], colour_of(r)});
  sheet.panels(2, static_cast<int>(frames.size()), {}, legend);
  struct Below {
    double from = 0, to = 1;
    std::string plot{};
  };
  std::vector<Below> below;
  for (const std::int64_t k : frames) {
    const auto truth = sorted_points(set, k, field);
    std::string plot = sheet.block(rows_of(truth)) + " using 1:2 with lines lw 4 lc rgb '#bbbbbb'";
    for (std::size_t r = 0; r < runs.size(); ++r)
      plot += fmt::format(", {} using 1:2 with lines lw 1.4 lc rgb '{}'",
                          sheet.block(rows_of(sorted_points(all[r], k, 0))), colour_of(r));
    sheet.y_label(below.empty() ? set.fields[static_cast<std::size_t>(field)] : "");
    sheet.add(fmt::format("set xrange [{}:{}]\n", low, high));
    sheet.panel(title_of(set, k), plot);
    const double jump = strongest_jump(truth);
    below.push_back({std::max(low, jump - reach), std::min(high, jump + reach), plot});
  }
  sheet.x_label("x");
  for (std::size_t f = 0; f < below.size(); ++f) {
    sheet.y_label(f == 0 ? set.fields[static_cast<std::size_t>(field)] : "");
    sheet.add(fmt::format("set xrange [{}:{}]; set xtics {:g}\n", below[f].from, below[f].to,
                          nice_step((below[f].to - below[f].from) / 4)));
    sheet.panel("near the strongest jump", below[f].plot);
  }
  return sheet;
}

// Of one model three times, a row each; of several two times, in columns.
Sheet panels(const std::vector<FinishedRun>& runs, const std::vector<Snapshots>& all, const Snapshots& set,
             std::int64_t field, std::int64_t most_numbers) {
  std::vector<std::int64_t> frames = shown_frames(set);
  const bool one = runs.size() == 1;
  if (!one && frames.size() > 2) frames.pop_back();
  const int rows = static_cast<int>(one ? frames.size() : runs.size() + 1);
  const int columns = static_cast<int>(one ? 3 : 2 * frames.size());
  const auto images = static_cast<double>(frames.size() * (1 + 2 * runs.size()));
  const Frame2D frame = frame_of(set, static_cast<std::int64_t>(std::clamp(
                                          std::sqrt(static_cast<double>(most_numbers) / images), 32.0, 200.0)));
  Lattice lattice{.dims = 2, .n = frame.pixels}, box{.dims = 2, .first = frame.low, .last = frame.high};
  for (std::size_t a = 0; a < 2; ++a) {
    const double half = (frame.high[a] - frame.low[a]) / static_cast<double>(2 * frame.pixels[a]);
    lattice.first[a] = frame.low[a] + half;
    lattice.last[a] = frame.high[a] - half;
  }
  const double aspect = (frame.high[1] - frame.low[1]) / (frame.high[0] - frame.low[0]);
  const double across = 75, width = 960, panel = (width - 45 - 80 - across * (columns - 1)) / columns;
  Sheet sheet{.figure = {.width = static_cast<int>(width),
                         .height = static_cast<int>(75 + rows * (panel * aspect + 55))}};
  sheet.panels(rows, columns, {.left = 45, .right = 80, .bottom = 35, .top = 40, .across = across, .down = 55});
  sheet.add(fmt::format("{}unset grid\n", palette));
  sheet.ranges(box);
  std::vector<std::string> names = names_of(runs);
  for (std::size_t r = 0; r < runs.size(); ++r)  // there is little room
    if (std::count_if(runs.begin(), runs.end(),
                      [&](const FinishedRun& run) { return run.model.name == runs[r].model.name; }) == 1)
      names[r] = runs[r].model.name;

  struct Shown {
    std::vector<double> truth{};
    double least = 0, most = 1;
  };
  std::vector<Shown> data;
  for (const std::int64_t k : frames) {
    Shown shown{rasterize(set, k, field, frame).values, INFINITY, -INFINITY};
    for (const double u : shown.truth)
      if (!std::isnan(u)) shown.least = std::min(shown.least, u), shown.most = std::max(shown.most, u);
    if (!(shown.most > shown.least)) shown.most = shown.least + 1;
    data.push_back(std::move(shown));
  }
  const auto add = [&](const std::vector<double>& values, const std::string& title, double from, double to,
                       double precision) {
    sheet.add(
        fmt::format("set cbrange [{:.5g}:{:.5g}]; set cbtics {:g}\n", from, to, nice_step((to - from) / 5)));
    sheet.panel(title, sheet.image(values, lattice, precision));
  };
  const auto add_data = [&](std::size_t f) {
    sheet.add("unset colorbox\n");
    add(data[f].truth, title_of(set, frames[f]), data[f].least, data[f].most,
        (data[f].most - data[f].least) / 400);
    sheet.add("set colorbox\n");
  };
  const auto add_model = [&](std::size_t r, std::size_t f) {
    const std::vector<double> model = rasterize(all[r], frames[f], 0, frame).values;
    std::vector<double> difference = model;
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = std::abs(model[i] - data[f].truth[i]);
    sheet.add("set format y ''\n");
    add(model, names[r], data[f].least, data[f].most, (data[f].most - data[f].least) / 400);
    add(difference, "difference", 0, .1 * (data[f].most - data[f].least),
        (data[f].most - data[f].least) / 1000);
    sheet.add("set format y '%g'\n");
  };
  if (one)
    for (std::size_t f = 0; f < frames.size(); ++f) {
      add_data(f);
      add_model(0, f);
    }
  else {
    for (std::size_t f = 0; f < frames.size(); ++f) {
      add_data(f);
      sheet.next();
    }
    for (std::size_t r = 0; r < runs.size(); ++r)
      for (std::size_t f = 0; f < frames.size(); ++f) add_model(r, f);
  }
  return sheet;
}

// Two pairs of training frames that follow each other, with the same parameters beside time.
std::vector<std::array<std::int64_t, 2>> stretches(const Snapshots& set) {
  std::vector<std::array<std::int64_t, 2>> all, some;
  const std::vector<std::int64_t> frames = set.training();
  for (std::size_t i = 0; i + 1 < frames.size(); ++i)
    if (parameters_of(set, frames[i]) == parameters_of(set, frames[i + 1]))
      all.push_back({frames[i], frames[i + 1]});
  for (const double part : {0.5, 0.76})
    if (!all.empty()) some.push_back(all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))]);
  if (some.size() == 2 && some[0] == some[1]) some.pop_back();
  return some;
}

}  // namespace

bool draw_reconstruction(const std::vector<FinishedRun>& runs, const Snapshots& set, const fs::path& path,
                         std::int64_t most) {
  std::vector<Snapshots> all;
  for (const FinishedRun& run : runs) all.push_back(predicted(run.model, set, shown_frames(set)));
  const std::int64_t field = columns_of(set, {runs.at(0).model.scaling.fields[0]})[0];
  Sheet sheet = set.dims() == 1 ? profiles(runs, all, set, field) : panels(runs, all, set, field, most);
  return sheet.finish(path);
}

bool draw_between(const std::vector<FinishedRun>& runs, const Snapshots& set, const fs::path& path) {
  const std::vector<std::array<std::int64_t, 2>> pairs = stretches(set);
  const std::size_t models = std::min<std::size_t>(4, runs.size());
  const std::string& name = runs.at(0).model.scaling.fields[0];
  const std::int64_t field = columns_of(set, {name})[0];
  const Frame2D frame = frame_of(set, 1000);
  Sheet sheet{.figure = {.width = 960, .height = static_cast<int>(90 + 300 * models)}};
  std::vector<Entry> legend;
  constexpr const char* parts[] = {"first frame", "1/4", "1/2", "3/4", "next frame"};
  for (std::size_t k = 0; k < 5; ++k) legend.push_back({parts[k], time_colours[k]});
  legend.push_back({"circles: data", "#ffffff"});
  sheet.panels(static_cast<int>(models), static_cast<int>(pairs.size()), {.across = 80}, legend);
  for (std::size_t r = 0; r < models; ++r)
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto [a, b] = pairs[p];
      const double ta = set.time(a), tb = set.time(b), length = frame.high[0] - frame.low[0];
      const double from = strongest_jump(sorted_points(set, a, field));
      const double to = strongest_jump(sorted_points(set, b, field), from - .1 * length, from + .1 * length);
      const double reach = std::max(.04 * length, std::abs(to - from));
      const Lattice near = interval(std::max(frame.low[0], std::min(from, to) - reach),
                                    std::min(frame.high[0], std::max(from, to) + reach), 301);
      std::vector<std::vector<double>> curves;
      for (int k = 0; k < 5; ++k) {
        const Tensor u = runs[r].model.values(near.points(), ta + k * (tb - ta) / 4, parameters_of(set, a));
        std::vector<double> curve;
        for (std::int64_t i = 0; i < u.shape[0]; ++i) curve.push_back(u.at(i * u.shape[1]));
        curves.push_back(std::move(curve));
      }
      const std::string block = sheet.curves(near, curves);
      std::string plot;
      for (std::size_t k = 0; k < 5; ++k)
        plot += fmt::format("{} using 1:{} with lines lw 1.6 lc rgb '{}', ", block, k + 2, time_colours[k]);
      for (std::int64_t k = a; k <= b; ++k) {
        std::string rows;
        for (const auto& [x, u] : sorted_points(set, k, field))
          if (x >= near.first[0] && x <= near.last[0]) append_row(rows, {x, u});
        const double part = (set.time(k) - ta) / (tb - ta);
        plot += fmt::format("{} using 1:2 with points pt 6 ps 0.6 lw 1.2 lc rgb '{}', ", sheet.block(rows),
                            time_colours[static_cast<std::size_t>(std::lround(4 * part))]);
      }
      plot.resize(plot.size() - 2);
      sheet.add(fmt::format("set xrange [{}:{}]; set xtics {:g}\n", near.first[0], near.last[0],
                            nice_step((near.last[0] - near.first[0]) / 5)));
      sheet.x_label(r + 1 == models ? "x" : "");
      sheet.y_label(p == 0 ? name : "");
      sheet.panel(fmt::format("{}, t from {:.4g} to {:.4g}", names_of(runs)[r], ta, tb), plot);
    }
  return sheet.finish(path);
}

bool draw_history(const std::vector<FinishedRun>& runs, const fs::path& path) {
  Sheet sheet{.figure = {.width = 900, .height = 640}};
  std::vector<Entry> legend;
  std::string errors, rates, below = "learning rate";
  const bool by_work = runs.size() > 1;
  const std::vector<std::string> names = names_of(runs);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const fs::path file = fs::path(runs[r].name) / "metrics.jsonl";
    if (!fs::exists(file)) continue;  // pod has no history
    std::istringstream lines(read_file(file));
    // epoch or work, error while q = 2, while q = 1, learning rate, mollifier, orthogonality, sparsity, error
    // held out
    std::vector<std::vector<double>> table;
    std::array<bool, 8> any{};
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      const auto number = [&](const char* key) {
        return json.is_object() && json.contains(key) && json[key].is_number() ? json[key].get<double>() : NAN;
      };
      const double q = number("q"), error = std::pow(number("misfit"), 1 / q);
      table.push_back({number(by_work ? "gflop" : "epoch"), q == 2 ? error : NAN, q == 1 ? error : NAN,
                       number("lr"), number("mollifier"), number("ortho"), number("sparse"),
                       std::sqrt(number("heldout_mse"))});
      for (std::size_t c = 0; c < any.size(); ++c) any[c] = any[c] || table.back()[c] > 0;
    }
    if (table.empty()) continue;
    std::string rows;
    for (std::size_t i = 0, step = (table.size() + 599) / 600; i < table.size(); ++i)
      if (i % step == 0 || i + 1 == table.size() || !std::isnan(table[i][7])) append_row(rows, table[i]);
    const std::string block = sheet.block(rows), colour = colour_of(r);
    const auto curve = [&](std::string& to, int column, const std::string& style) {
      if (any[static_cast<std::size_t>(column - 1)])
        to +=
            fmt::format("{}{} using 1:{} {} lc rgb '{}'", to.empty() ? "" : ", ", block, column, style, colour);
    };
    curve(errors, 2, "with lines lw 1.5");
    curve(errors, 3, "with lines lw 1.5 dt '-'");
    curve(errors, 8, "with points pt 6 ps 0.8 lw 1.5");
    if (any[4]) below = "learning rate; mollifier dotted, penalties dashed";
    if ((any[5] || any[6]) && !any[4]) below = "learning rate; penalties dashed";
    curve(rates, 4, "with lines lw 1.5");
    curve(rates, 5, "with lines lw 1.5 dt '.'");
    curve(rates, 6, "with lines lw 1 dt '-'");
    curve(rates, 7, "with lines lw 1 dt '-.'");
    legend.push_back({names[r], colour});
  }
  if (legend.empty()) return true;
  sheet.panels(2, 1, {.left = 85, .top = 65, .down = 62}, legend);
  sheet.add("set logscale y; set format y '10^{%L}'\n");
  sheet.y_label("relative error");
  sheet.panel("training: q = 2 solid, q = 1 dashed; held out (q = 2): circles",
              errors.empty() ? "NaN" : errors);
  sheet.x_label(by_work ? "GFLOP" : "epoch");
  sheet.y_label("");
  sheet.add("set yrange [1e-7:*]\n");
  sheet.panel(below, rates.empty() ? "NaN" : rates);
  return sheet.finish(path);
}

}  // namespace lowtide::app
