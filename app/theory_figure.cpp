#include "theory_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "gnuplot.h"
#include "sheet.h"

namespace lowtide::app {

bool draw_theory(const TheoryStudy& study, const TheoryOptions& options, const std::filesystem::path& svg) {
  const bool waves = options.equation == TheoryOptions::Equation::wave;
  const auto error = [&](const TheoryRow& row) { return waves ? row.errors.h1 : row.errors.l2; };
  const auto rate = [&](const TheoryRate& r) { return waves ? r.rates.h1 : r.rates.l2; };
  double least = INFINITY, most = 0, narrow = INFINITY, wide = 0;
  std::set<std::int64_t> dims;
  for (const TheoryRow& row : study.rows) {
    dims.insert(row.dims);
    least = std::min(least, error(row));
    most = std::max(most, error(row));
    narrow = std::min(narrow, static_cast<double>(row.width));
    wide = std::max(wide, static_cast<double>(row.width));
  }
  constexpr const char* colours[] = {"#0077bb", "#cc3311"};
  const auto panels = static_cast<int>(dims.size());
  Sheet sheet{.figure = {.width = 90 + 300 * panels, .height = 400}};
  sheet.panels(1, panels, {},
               {{"stratified", colours[0]}, {"independent", colours[1]}, {"promised", "#888888", true, 1.5}});
  sheet.x_label("width M");
  sheet.add(
      fmt::format("set logscale xy; set format y '10^{{%L}}'; set format x '2^{{%L}}'; set logscale x 2\n"
                  "set xrange [{:.6g}:{:.6g}]; set yrange [{:.3g}:{:.3g}]\n",
                  narrow / 1.3, wide * 1.3, least / 2, most * 2));
  for (const std::int64_t d : dims) {
    std::string plot, title = fmt::format("d = {}", d);
    for (const RidgeSampling sampling : {RidgeSampling::stratified, RidgeSampling::independent}) {
      std::string rows, promised;
      const TheoryRow* last = nullptr;
      for (const TheoryRow& row : study.rows)
        if (row.dims == d && row.sampling == sampling) {
          append_row(rows, {static_cast<double>(row.width), error(row)});
          last = &row;
        }
      const char* comma = plot.empty() ? "" : ", ";
      plot += fmt::format("{}{} using 1:2 with linespoints pt 7 ps 0.6 lw 2 lc rgb '{}'", comma,
                          sheet.block(rows), colours[sampling == RidgeSampling::stratified ? 0 : 1]);
      for (const TheoryRate& r : study.rates)
        if (r.dims == d && r.sampling == sampling && last) {
          const double end = static_cast<double>(last->width);
          for (const double width : {narrow, end})
            append_row(promised, {width, error(*last) / 1.25 * std::pow(end / width, r.promised)});
          plot += fmt::format(", {} using 1:2 with lines dt 2 lw 1.5 lc rgb '#888888'", sheet.block(promised));
          title += fmt::format("{}{:.2f}", sampling == RidgeSampling::stratified ? ": rates " : ", ", rate(r));
        }
    }
    sheet.panel(title, plot);
  }
  return sheet.finish(svg);
}

}  // namespace lowtide::app
