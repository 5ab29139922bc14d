// The paper's figures 17 and 18: FastLRNRs of growing rank, and the field outside of the domain.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gnuplot.h"
#include "model_field.h"
#include "report_figures.h"
#include "sheet.h"

namespace lowtide::app {
namespace fs = std::filesystem;
namespace {

constexpr double margin = 0.5;  // of the domain, on each side

ReportFigure outside_in_1d(const SavedModel& model, const std::vector<double>& times, const fs::path& svg) {
  const Lattice wide = nodes_of(model.scaling, 601, margin);
  const Range& x = model.scaling.x[0];
  Sheet sheet{.figure = {.width = 960, .height = 400}};
  sheet.panels(1, 3, {.bottom = 60, .top = 45});
  sheet.add(fmt::format("set xrange [{:.6g}:{:.6g}]\n", wide.first[0], wide.last[0]));
  sheet.x_label("x");
  sheet.y_label(model.scaling.fields[0]);
  for (int side = 0; side < 2; ++side)
    sheet.add(fmt::format(
        "set object {} rectangle from {:.6g}, graph 0 to {:.6g}, graph 1 fc rgb '#eeeeee' fs solid noborder "
        "behind\n",
        side + 1, side == 0 ? wide.first[0] : x.high, side == 0 ? x.low : wide.last[0]));
  for (const double t : times) {
    const std::vector<double> u = field_on(model, wide, t);
    std::string rows;
    for (std::int64_t i = 0; i < wide.size(); ++i)
      append_row(rows, {wide.place(0, i), u[static_cast<std::size_t>(i)]});
    sheet.panel(fmt::format("t = {:.3g}", t),
                fmt::format("{} using 1:2 with lines lw 1.5 lc rgb '{}'", sheet.block(rows), line_colours[2]));
    sheet.y_label("");
  }
  sheet.finish(svg);
  return {
      svg, "Outside of the domain",
      fmt::format("{} of {} on the domain and half of its length beyond each side (shaded), where it was never "
                  "trained, at three times.",
                  model.scaling.fields[0], model.name)};
}

ReportFigure outside_in_2d(const SavedModel& model, const std::vector<double>& times, const fs::path& svg) {
  const Lattice wide = pixels_of(model.scaling, 78, margin), inside = pixels_of(model.scaling, 60);
  const auto& x = model.scaling.x;
  const double aspect = (x[1].high - x[1].low) / (x[0].high - x[0].low);
  Sheet sheet{.figure = {.width = 960, .height = static_cast<int>(95 + 255 * aspect)}};
  sheet.panels(1, 3, {.left = 50, .right = 85, .bottom = 50, .top = 45, .across = 30});
  sheet.add(fmt::format("{}unset grid; unset colorbox\n", palette));
  sheet.ranges(nodes_of(model.scaling, 2, margin));
  std::vector<std::vector<double>> fields;
  double least = INFINITY, most = -INFINITY;
  for (const double t : times) {
    for (const double u : field_on(model, inside, t)) least = std::min(least, u), most = std::max(most, u);
    fields.push_back(field_on(model, wide, t));
  }
  if (!(most > least)) least = std::isfinite(least) ? least : 0, most = least + 1;
  sheet.add(fmt::format("set cbrange [{:.5g}:{:.5g}]\n", least, most));
  std::vector<std::string> images;
  for (std::vector<double>& field : fields) {
    for (double& u : field) u = std::clamp(u, least, most);
    images.push_back(sheet.image(field, wide, (most - least) / 300));
  }
  std::string corners;
  for (const auto& [i, j] : {std::pair{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}})
    append_row(corners, {i ? x[0].high : x[0].low, j ? x[1].high : x[1].low});
  const std::string border = sheet.block(corners);
  for (std::size_t k = 0; k < times.size(); ++k) {
    if (k == 1) sheet.add("set format y ''\n");
    if (k + 1 == times.size()) sheet.add("set colorbox\n");
    sheet.panel(
        fmt::format("t = {:.3g}", times[k]),
        fmt::format("{}, {} using 1:2 with lines lw 3 lc rgb '#000000', {} using 1:2 with lines lw 1.5 lc rgb "
                    "'#ffffff'",
                    images[k], border, border));
  }
  sheet.finish(svg);
  return {
      svg, "Outside of the domain",
      fmt::format(
          "{} of {} on the domain (inside of the line) and half of its length beyond each side, where it was "
          "never trained, at three times. Colours go from the least to the largest value inside; what is "
          "beyond them outside has their ends.",
          model.scaling.fields[0], model.name)};
}

}  // namespace

Figures fast_figures(const ReportRun& run, const fs::path& folder) {
  if (!run.study || run.study->one_basis.empty()) return {};
  const ReductionStudy& study = *run.study;
  Sheet sheet{.figure = {.width = 800, .height = 460}};
  sheet.panels(1, 1, {.left = 85, .bottom = 60, .top = 50},
               {{"one basis for all times", line_colours[3]},
                {"its bound", line_colours[3], true, 1.2},
                {"bases on pieces of time", line_colours[2]},
                {"their bound", line_colours[2], true, 1.2}});
  sheet.add("set logscale y; set format y '10^{%L}'\n");
  sheet.x_label("rank");
  sheet.y_label("relative error");
  std::string plot;
  const auto add = [&](const std::vector<FastRow>& table, const char* colour) {
    std::string rows;
    for (const FastRow& row : table)
      append_row(rows, {static_cast<double>(row.rank), row.rel_l2 > 0 ? row.rel_l2 : NAN,
                        row.bound > 0 ? row.bound : NAN});
    const std::string block = sheet.block(rows);
    plot += fmt::format(
        "{0} using 1:2 with linespoints lw 1.6 pt 7 ps 0.6 lc rgb '{1}', {0} using 1:3 with lines lw 1.2 dt "
        "'-' lc rgb '{1}', ",
        block, colour);
  };
  add(study.one_basis, line_colours[3]);
  if (!study.fast.empty()) add(study.fast, line_colours[2]);
  sheet.panel("", plot + "1e-4 with lines dt '.' lc rgb '#777777'");
  const fs::path svg = folder / (prefix_of(run) + "-fast.svg");
  sheet.finish(svg);
  return {
      {svg, "FastLRNR against rank",
       fmt::format(
           "Error of FastLRNRs of {} against the whole network, over unseen times: the largest of {} points, "
           "relative, over the rank of the bases of hidden states. With one basis for all times, as in the "
           "paper, and with bases of their own on pieces of time. Dashed: the largest bound at the times "
           "of validation (between them an estimate), relative to the root mean square of u at that point. The "
           "dotted line is at 1e-4.",
           run.run.model.name, study.points ? study.points.shape[0] : 0)}};
}

Figures outside_figures(const ReportRun& run, const fs::path& folder) {
  const SavedModel& model = run.run.model;
  if (model.pod || model.scaling.dims() > 2) return {};  // POD has its points and no others
  const std::vector<double> times{time_at(model.scaling, 0.25), time_at(model.scaling, 0.5),
                                  time_at(model.scaling, 0.85)};
  const fs::path svg = folder / (prefix_of(run) + "-outside.svg");
  return {model.scaling.dims() == 1 ? outside_in_1d(model, times, svg) : outside_in_2d(model, times, svg)};
}

}  // namespace lowtide::app
