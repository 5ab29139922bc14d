// How a trained network answers to steps along its hypermodes: the paper's figures 9 to 15.
#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <cmath>

#include "gnuplot.h"
#include "model_field.h"
#include "report_figures.h"
#include "sheet.h"

namespace lowtide::app {
namespace fs = std::filesystem;
namespace {

// Root mean square change of a tangent step, of the range of u.
constexpr double visible = 0.03, visible_of_fronts = 0.1;
constexpr const char* mode_colours[] = {"#cc3311", "#0077bb"};

// Which way along phi_i its coordinate moves at this time; the sign of a singular vector means nothing.
std::vector<double> ways(const LowRankModel& model, const Tensor& modes, std::int64_t count, double t) {
  std::vector<double> out = speeds(model, modes, count, t);
  for (double& c : out) c = c < 0 ? -1 : 1;
  return out;
}

double steepest_place(const std::vector<double>& u, const Lattice& lattice) {
  std::size_t at = 1;
  for (std::size_t i = 1; i < u.size(); ++i)
    if (std::abs(u[i] - u[i - 1]) > std::abs(u[at] - u[at - 1])) at = i;
  return lattice.place(0, static_cast<std::int64_t>(at)) - lattice.step(0) / 2;
}

Figures tangents_in_1d(const ReportRun& run, const fs::path& svg) {
  const LowRankModel& model = *run.low_rank;
  const Hypermodes modes = modes_of(run);
  const std::int64_t count = std::min<std::int64_t>(2, modes.modes.shape[1]);
  const Lattice all = nodes_of(model.scaling, 801);
  Sheet sheet{.figure = {.width = 960, .height = 720}};
  std::vector<Entry> legend{{"u", "#999999", false, 4}};
  for (std::int64_t i = 0; i < count; ++i)
    legend.push_back({fmt::format("u(s + η φ{})", subscript(i + 1)), mode_colours[i], i == 1});
  sheet.panels(2, 3, {}, legend);
  std::vector<std::pair<Lattice, std::string>> zooms;
  std::vector<std::string> etas;
  for (const double part : {0.25, 0.5, 0.75}) {
    const double t = time_at(model.scaling, part);
    const Tensor s = coefficients_at(model, t);
    const std::vector<double> way = ways(model, modes.modes, count, t);
    std::vector<Tensor> steps{s};
    std::string sizes;
    for (std::int64_t i = 0; i < count; ++i) {
      const double sign = way[static_cast<std::size_t>(i)];
      const double eta = sign * eta_for(model, all, s, modes.modes, i, visible, sign);
      steps.push_back(moved(s, modes.modes, i, eta));
      sizes += fmt::format("{}{:.2g}", i ? ", " : "", eta);
    }
    etas.push_back(fmt::format("({}) at t = {:.3g}", sizes, t));
    const auto plot = [&](const Lattice& lattice) {
      std::vector<std::vector<double>> curves;
      for (const Tensor& step : steps) curves.push_back(field_on(model, lattice, step));
      const std::string block = sheet.curves(lattice, curves);
      std::string words = block + " using 1:2 with lines lw 4 lc rgb '#bbbbbb'";
      for (std::int64_t i = 0; i < count; ++i)
        words += fmt::format(", {} using 1:{} with lines lw 1.5 {}lc rgb '{}'", block, i + 3,
                             i == 1 ? "dt (8,3) " : "", mode_colours[i]);
      return words;
    };
    sheet.add(fmt::format("set xrange [{}:{}]\n", all.first[0], all.last[0]));
    sheet.y_label(etas.size() == 1 ? model.scaling.fields[0] : "");
    sheet.panel(fmt::format("t = {:.3g}", t), plot(all));
    const double at = steepest_place(field_on(model, all, s), all), reach = .07 * (all.last[0] - all.first[0]);
    const Lattice near = interval(std::max(all.first[0], at - reach), std::min(all.last[0], at + reach), 301);
    zooms.push_back({near, plot(near)});
  }
  sheet.x_label("x");
  for (std::size_t k = 0; k < zooms.size(); ++k) {
    const auto& [near, plot] = zooms[k];
    sheet.y_label(k == 0 ? model.scaling.fields[0] : "");
    sheet.add(fmt::format("set xrange [{0}:{1}]; set xtics {2:g}\n", near.first[0], near.last[0],
                          nice_step((near.last[0] - near.first[0]) / 4)));
    sheet.panel("near the strongest jump", plot);
  }
  sheet.finish(svg);
  return {
      {svg, "Hypermode tangents",
       fmt::format(
           "{} of {} at three times (grey) and after a small step η along the first {} hypermodes "
           "(equation 5.7), each the way in which its coordinate moves at that time. η changes the profile "
           "by {:g} % of its range (root mean square): η = {}.",
           model.scaling.fields[0], model.name, count == 1 ? "of the" : "two", 100 * visible, joined(etas))}};
}

// Little but two plateaus and a front between them: its contours lie close together, and it has moved far
// before the root mean square changes much.
bool front_alone(const std::vector<double>& u) {
  const auto [least, most] = std::minmax_element(u.begin(), u.end());
  const double low = *least + .1 * (*most - *least), high = *most - .1 * (*most - *least);
  return 10 * std::count_if(u.begin(), u.end(), [&](double v) { return v > low && v < high; }) < std::ssize(u);
}

// Solid contours of u, dashed ones of u after a step.
struct Contoured {
  Lattice fine{}, coarse{};
  Sheet sheet{};
  const LowRankModel& model;
  const Tensor& modes;
  bool fronts = false;
  double target = visible;
  double last = NAN;  // the time that the solid contours are of
  std::vector<double> levels{};
  std::string before{};

  double add(const std::string& title, double t, std::int64_t mode) {
    const Tensor s = coefficients_at(model, t);
    const double sign = ways(model, modes, mode + 1, t).back();
    const double eta = sign * eta_for(model, coarse, s, modes, mode, target, sign);
    if (t != last) {
      const std::vector<double> u = field_on(model, fine, s);
      levels = levels_between(u, fronts ? 1 : 6);
      before = sheet.lines(u, fine, levels);
      last = t;
    }
    const std::string after = sheet.lines(field_on(model, fine, moved(s, modes, mode, eta)), fine, levels);
    sheet.panel(title,
                fmt::format("{} with lines lw 1 lc rgb '#555555', {} with lines lw 1.4 dt (6,3) lc rgb '{}'",
                            before, after, mode_colours[0]));
    return eta;
  }
};

Contoured contoured(const ReportRun& run, const Tensor& modes, int rows, int columns, int width,
                    const std::string& step) {
  const LowRankModel& model = *run.low_rank;
  Contoured out{.fine = nodes_of(model.scaling, 101),
                .coarse = nodes_of(model.scaling, 33),
                .model = model,
                .modes = modes};
  out.fronts = front_alone(field_on(model, out.fine, coefficients_at(model, time_at(model.scaling, 0.6))));
  if (out.fronts) out.target = visible_of_fronts;
  const auto& x = model.scaling.x;
  const double aspect = (x[1].high - x[1].low) / (x[0].high - x[0].low), panel = (width - 95.0) / columns - 50;
  out.sheet.figure.width = width;
  out.sheet.figure.height = static_cast<int>(85 + (panel * aspect + 65) * rows);
  out.sheet.panels(rows, columns, {.left = 60, .right = 20, .bottom = 45, .top = 65, .across = 50, .down = 65},
                   {{"u", "#555555"}, {step, mode_colours[0], true}});
  out.sheet.add("unset grid\n");
  out.sheet.ranges(out.fine);
  return out;
}

Figures tangents_in_2d(const ReportRun& run, const fs::path& folder) {
  const LowRankModel& model = *run.low_rank;
  const Hypermodes modes = modes_of(run);
  const std::int64_t all = modes.modes.shape[1], second = std::min<std::int64_t>(1, all - 1);
  Figures figures;
  {
    Contoured panels =
        contoured(run, modes.modes, 2, 2, 860, fmt::format("u(s + η φ{})", subscript(second + 1)));
    std::vector<std::string> etas;
    for (const double part : {0.1, 0.35, 0.6, 0.9}) {
      const double t = time_at(model.scaling, part);
      const double eta = panels.add(fmt::format("t = {:.3g}", t), t, second);
      etas.push_back(fmt::format("{:.2g} at t = {:.3g}", eta, t));
    }
    const fs::path svg = folder / (prefix_of(run) + "-tangents-times.svg");
    panels.sheet.finish(svg);
    figures.push_back(
        {svg, fmt::format("Hypermode {} at several times", second + 1),
         fmt::format("Contours of {} ({}, solid) and after a small step η along hypermode {} (dashed, "
                     "same levels; equation 5.7), the way in which its coordinate moves at that time. η "
                     "changes u by {:g} % of its range (root mean square): η = {}.",
                     model.scaling.fields[0], model.name, second + 1, 100 * panels.target, joined(etas))});
  }
  {
    const std::int64_t count = std::min<std::int64_t>(6, all);
    const double t = time_at(model.scaling, 0.6);
    Contoured panels = contoured(run, modes.modes, count > 3 ? 2 : 1,
                                 static_cast<int>(std::min<std::int64_t>(3, count)), 960, "u(s + η φᵢ)");
    std::vector<std::string> etas;
    for (std::int64_t i = 0; i < count; ++i)
      etas.push_back(fmt::format("{:.2g}", panels.add(fmt::format("hypermode {}", i + 1), t, i)));
    const fs::path svg = folder / (prefix_of(run) + "-tangents-modes.svg");
    panels.sheet.finish(svg);
    figures.push_back(
        {svg, fmt::format("The first {} hypermodes", count),
         fmt::format("Contours of {} ({}, solid) at t = {:.3g} and after a small step η along one "
                     "hypermode (dashed, same levels), the way in which its coordinate moves. Each η "
                     "changes u by {:g} % of its range (root mean square): η = {}.",
                     model.scaling.fields[0], model.name, t, 100 * panels.target, joined(etas))});
  }
  return figures;
}

}  // namespace

Figures tangent_figures(const ReportRun& run, const Snapshots&, const fs::path& folder) {
  if (!run.low_rank || run.low_rank->scaling.dims() > 2) return {};
  if (run.low_rank->scaling.dims() == 2) return tangents_in_2d(run, folder);
  return tangents_in_1d(run, folder / (prefix_of(run) + "-tangents.svg"));
}

}  // namespace lowtide::app
