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
#include "raster.h"

namespace lowtide::app {
namespace fs = std::filesystem;

Snapshots predicted(const SavedModel& model, const Snapshots& set) {
  Snapshots result = set;
  result.fields = model.scaling.fields;
  result.u = Tensor({set.u.shape[0], std::ssize(result.fields)}, Dtype::f64);
  double* to = result.u.mutable_data<double>();
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    const Tensor u = model.values(set.points(k), set.time(k), parameters_of(set, k));
    to = std::copy_n(u.data<double>(), u.size(), to);
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
  const bool unseen = !set.heldout.empty() && set.heldout[static_cast<std::size_t>(frame)] != 0;
  return quoted(fmt::format("t = {:.4g}{}", set.time(frame), unseen ? ", held out" : ""));
}

// Where the profile jumps most.
double strongest_jump(const std::vector<std::array<double, 2>>& profile) {
  double most = -1, place = 0;
  for (std::size_t i = 1; i < profile.size(); ++i)
    if (const double jump = std::abs(profile[i][1] - profile[i - 1][1]); jump > most) {
      most = jump;
      place = .5 * (profile[i][0] + profile[i - 1][0]);
    }
  return place;
}

const char* colour_of(std::size_t run) { return line_colours[(run + 3) % std::size(line_colours)]; }

std::string name_of(const FinishedRun& run) { return fmt::format("{} ({})", run.model.name, run.name); }

Figure profiles(const std::vector<FinishedRun>& runs, const std::vector<Snapshots>& all, const Snapshots& set,
                std::int64_t field) {
  const std::vector<std::int64_t> frames = shown_frames(set);
  Figure figure{.width = static_cast<int>(420 * frames.size()), .height = 760};
  const Frame2D frame = frame_of(set, 1000);
  const double low = frame.low[0], high = frame.high[0], reach = .06 * (high - low);
  figure.script = fmt::format(
      "set multiplot layout 2,{} title ' '\nset grid lc rgb '#dddddd'; set tics nomirror out; unset key\n",
      frames.size());
  // One legend for all panels.
  const auto legend = [&](std::size_t index, const std::string& name, const std::string& colour) {
    figure.script += fmt::format(
        "set label {} {} at screen {:.3f},0.98 tc rgb '{}' noenhanced\n", index + 1, quoted("\u2014 " + name),
        .03 + .97 * static_cast<double>(index) / static_cast<double>(runs.size() + 1), colour);
  };
  legend(0, "data", "#888888");
  for (std::size_t r = 0; r < runs.size(); ++r) legend(r + 1, name_of(runs[r]), colour_of(r));
  std::string top, below;
  int block = 0;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const auto truth = sorted_points(set, frames[f], field);
    std::string plot = "plot ";
    const auto add = [&](const std::vector<std::array<double, 2>>& profile, const std::string& style,
                         const std::string& name) {
      if (block > 0) figure.data += "\n\n";
      for (const auto& [x, u] : profile) append_row(figure.data, {x, u});
      plot += fmt::format("{}data index {} using 1:2 with {} title {}", plot.size() > 5 ? ", \\\n     " : "",
                          block++, style, name);
    };
    add(truth, "lines lw 3 lc rgb '#bbbbbb'", "'data'");
    for (std::size_t r = 0; r < runs.size(); ++r)
      add(sorted_points(all[r], frames[f], 0),
          fmt::format("linespoints lw 1.2 pt 7 ps 0.25 lc rgb '{}'", colour_of(r)), quoted(name_of(runs[r])));
    top += fmt::format(
        "set title {}; set xrange [{}:{}]; set autoscale y; {}\n{}\n", title_of(set, frames[f]), low, high,
        f == 0 ? "set ylabel " + quoted(set.fields[static_cast<std::size_t>(field)]) + " noenhanced"
               : "unset ylabel",
        plot);
    const double jump = strongest_jump(truth);
    below += fmt::format("set title 'near the strongest jump'; set xrange [{}:{}]; set xlabel 'x'\n{}\n",
                         std::max(low, jump - reach), std::min(high, jump + reach), plot);
  }
  figure.script += top + below + "unset multiplot\n";
  return figure;
}

Figure panels(const std::vector<FinishedRun>& runs, const std::vector<Snapshots>& all, const Snapshots& set,
              std::int64_t field) {
  const std::vector<std::int64_t> frames = shown_frames(set);
  const Frame2D frame = frame_of(set, 200);
  const auto [nx, ny] = frame.pixels;
  const std::size_t rows = frames.size(), columns = 1 + 2 * runs.size();
  Figure figure{.width = static_cast<int>(300 * columns), .height = static_cast<int>(300 * rows)};
  figure.script =
      fmt::format("{}set multiplot layout {},{}\nset size ratio {}; unset key; set tics nomirror out\n",
                  palette, rows, columns, (frame.high[1] - frame.low[1]) / (frame.high[0] - frame.low[0]));
  int block = 0;
  for (const std::int64_t k : frames) {
    const std::vector<double> truth = rasterize(set, k, field, frame).values;
    double least = INFINITY, most = -INFINITY;
    for (const double u : truth)
      if (!std::isnan(u)) least = std::min(least, u), most = std::max(most, u);
    if (!(most > least)) most = least + 1;
    const auto add = [&](const std::vector<double>& values, const std::string& title, double from, double to) {
      if (block > 0) figure.data += "\n\n";
      for (std::int64_t j = 0; j < ny; ++j)
        for (std::int64_t i = 0; i < nx; ++i)
          append_row(figure.data, {frame.low[0] + (static_cast<double>(i) + .5) *
                                                      (frame.high[0] - frame.low[0]) / static_cast<double>(nx),
                                   frame.low[1] + (static_cast<double>(j) + .5) *
                                                      (frame.high[1] - frame.low[1]) / static_cast<double>(ny),
                                   values[static_cast<std::size_t>(j * nx + i)]});
      figure.script += fmt::format(
          "set title {} noenhanced; set xrange [{}:{}]; set yrange [{}:{}]; set cbrange [{}:{}]\nplot data "
          "index {} using 1:2:3 with image\n",
          title, frame.low[0], frame.high[0], frame.low[1], frame.high[1], from, to, block++);
    };
    add(truth, title_of(set, k), least, most);
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const std::vector<double> model = rasterize(all[r], k, 0, frame).values;
      std::vector<double> difference = model;
      for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = std::abs(model[i] - truth[i]);
      add(model, quoted(runs[r].model.name), least, most);
      add(difference, quoted(fmt::format("difference of {}", runs[r].model.name)), 0, .1 * (most - least));
    }
  }
  figure.script += "unset multiplot\n";
  return figure;
}

}  // namespace

bool draw_reconstruction(const std::vector<FinishedRun>& runs, const Snapshots& set, const fs::path& path) {
  std::vector<Snapshots> all;
  for (const FinishedRun& run : runs) all.push_back(predicted(run.model, set));
  const std::int64_t field = columns_of(set, {runs.at(0).model.scaling.fields[0]})[0];
  Figure figure = set.dims() == 1 ? profiles(runs, all, set, field) : panels(runs, all, set, field);
  figure.path = path;
  return draw(figure);
}

bool draw_history(const std::vector<FinishedRun>& runs, const fs::path& path) {
  Figure figure{.path = path, .width = 900, .height = 640};
  std::string errors = "plot ", rates = "plot ";
  int block = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const fs::path file = fs::path(runs[r].name) / "metrics.jsonl";
    if (!fs::exists(file)) continue;  // pod has no history
    std::istringstream lines(read_file(file));
    std::string rows;
    double mollified = 0;
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      const auto number = [&](const char* key) {
        return json.is_object() && json.contains(key) && json[key].is_number() ? json[key].get<double>() : NAN;
      };
      mollified = std::max(mollified, number("mollifier"));
      append_row(rows, {number("epoch"), std::pow(number("misfit"), 1 / number("q")), number("q"), number("lr"),
                        number("mollifier")});
    }
    if (rows.empty()) continue;
    const char* colour = colour_of(r);
    if (block > 0) figure.data += "\n\n", errors += ", \\\n     ", rates += ", \\\n     ";
    figure.data += rows;
    errors += fmt::format(
        "data index {} using 1:($3 == 2 ? $2 : NaN) with lines lw 1.5 lc rgb '{}' title {}, \\\n"
        "     data index {} using 1:($3 == 1 ? $2 : NaN) with lines lw 1.5 dt '-' lc rgb '{}' notitle",
        block, colour, quoted(name_of(runs[r])), block, colour);
    rates += fmt::format("data index {} using 1:4 with lines lw 1.5 lc rgb '{}' notitle", block, colour);
    if (mollified > 0)
      rates += fmt::format(
          ", \\\n     data index {} using 1:5 with lines dt '.' lw 1.5 lc rgb '{}' title 'mollifier'", block,
          colour);
    ++block;
  }
  if (block == 0) return true;
  figure.script =
      "set multiplot layout 2,1\nset grid lc rgb '#dddddd'; set tics nomirror out; set logscale y; set format "
      "y '10^{%L}'\n"
      "set key noenhanced; set ylabel 'relative error: q = 2 solid, q = 1 dashed'\n" +
      errors + "\nset xlabel 'epoch'; set ylabel 'learning rate'; set yrange [1e-7:*]\n" + rates +
      "\nunset multiplot\n";
  return draw(figure);
}

}  // namespace lowtide::app
