#include "evolve_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gnuplot.h"
#include "sheet.h"

namespace lowtide::app {
namespace {

constexpr const char* way_names[] = {"evolved", "frozen", "network", "pod", "nearest", "pod nearest"};
constexpr const char* way_colours[] = {"#cc3311", "#999999", "#0077bb", "#117733", "#ee9988", "#99cc99"};

std::string colour_of(const Way& way) {
  for (std::size_t i = 0; i < std::size(way_names); ++i)
    if (way.name == way_names[i]) return way_colours[i];
  return "#000000";
}

Sheet errors(const EvolutionStudy& study) {
  Sheet sheet{.figure = {.width = 900, .height = 420}};
  std::vector<Entry> legend;
  double least = INFINITY;
  for (const Way& way : study.ways) {
    legend.push_back({way.name, colour_of(way)});
    for (const double e : way.rel_l2)
      if (e > 0) least = std::min(least, e);
  }
  sheet.panels(1, 2, {.left = 75, .across = 80}, legend);
  sheet.x_label("t");
  sheet.add(fmt::format("set logscale y; set yrange [{:.2g}:2]; set xrange [{:.6g}:{:.6g}]\n",
                        std::isfinite(least) ? least / 1.5 : 1e-3, study.times.front(), study.times.back()));
  for (const bool l2 : {true, false}) {
    std::string plot;
    for (const Way& way : study.ways) {
      std::string rows;
      const std::vector<double>& e = l2 ? way.rel_l2 : way.rel_l1;
      for (std::size_t k = 0; k < e.size(); ++k) append_row(rows, {study.times[k], e[k]});
      plot += fmt::format("{}{} using 1:2 with lines lw 2 lc rgb '{}'", plot.empty() ? "" : ", ",
                          sheet.block(rows), colour_of(way));
    }
    sheet.panel(l2 ? "relative l2 error" : "relative l1 error", plot);
  }
  return sheet;
}

struct Shown {
  std::string title, colour;
  Tensor u;
};

// The truth and the ways that have come to time k, without those that stand still.
std::vector<Shown> shown_at(const EvolutionStudy& study, std::size_t k) {
  std::vector<Shown> all{{"truth", "#bbbbbb", study.truth[k]}};
  for (const Way& way : study.ways)
    if (k < way.rel_l2.size() && way.name != "frozen" && way.name != "nearest" && way.name != "pod nearest")
      all.push_back({way.name, colour_of(way), way.field(k)});
  return all;
}

std::vector<double> first_field(const EvolutionStudy& study, const Tensor& u) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < u.shape[0]; ++i) out.push_back(u.at(i * u.shape[1]) * study.size[0]);
  return out;
}

Sheet profiles(const EvolutionStudy& study, const std::vector<std::size_t>& at) {
  Sheet sheet{.figure = {.width = 960, .height = 420}};
  std::vector<Entry> legend;
  for (const Shown& shown : shown_at(study, at.front()))
    legend.push_back({shown.title, shown.colour, false, shown.title == "truth" ? 4. : 2.});
  sheet.panels(1, static_cast<int>(at.size()), {}, legend);
  sheet.x_label("x");
  for (const std::size_t k : at) {
    std::string plot;
    for (const Shown& shown : shown_at(study, k)) {
      std::string rows;
      const std::vector<double> u = first_field(study, shown.u);
      for (std::size_t i = 0; i < u.size(); ++i)
        append_row(rows, {study.x.at(static_cast<std::int64_t>(i)), u[i]});
      plot += fmt::format("{}{} using 1:2 with lines lw {} lc rgb '{}'", plot.empty() ? "" : ", ",
                          sheet.block(rows), shown.title == "truth" ? 4. : 1.6, shown.colour);
    }
    sheet.y_label(k == at.front() ? study.fields[0] : "");
    sheet.panel(fmt::format("t = {:.4g}", study.times[k]), plot);
  }
  return sheet;
}

Sheet panels(const EvolutionStudy& study, const std::vector<std::size_t>& at) {
  const pde::Grid& grid = study.grid;
  Lattice lattice{.dims = 2, .n = grid.cells}, box{.dims = 2, .first = grid.low, .last = grid.high};
  for (std::size_t a = 0; a < 2; ++a) {
    lattice.first[a] = grid.low[a] + grid.size(static_cast<int>(a)) / 2;
    lattice.last[a] = grid.high[a] - grid.size(static_cast<int>(a)) / 2;
  }
  const int columns = 4, rows = static_cast<int>(at.size());
  const double width = 960, across = 30, panel = (width - 45 - 80 - across * (columns - 1)) / columns;
  const double aspect = (grid.high[1] - grid.low[1]) / (grid.high[0] - grid.low[0]);
  Sheet sheet{.figure = {.width = static_cast<int>(width),
                         .height = static_cast<int>(75 + rows * (panel * aspect + 55))}};
  sheet.panels(rows, columns, {.left = 45, .right = 80, .bottom = 35, .top = 40, .across = across, .down = 55});
  sheet.add(fmt::format("{}unset grid\n", palette));
  sheet.ranges(box);
  for (const std::size_t k : at) {
    const std::vector<double> truth = first_field(study, study.truth[k]);
    double least = INFINITY, most = -INFINITY;
    for (const double u : truth) least = std::min(least, u), most = std::max(most, u);
    if (!(most > least)) most = least + 1;
    sheet.add(fmt::format("set cbrange [{:.5g}:{:.5g}]; set cbtics {:g}\n", least, most,
                          nice_step((most - least) / 5)));
    const std::vector<Shown> all = shown_at(study, k);
    for (const char* name : {"truth", "evolved", "network", "pod"}) {
      const auto found = std::find_if(all.begin(), all.end(), [&](const Shown& s) { return s.title == name; });
      sheet.add(std::string(name) == "pod" ? "set colorbox\n" : "unset colorbox\n");
      sheet.add(std::string(name) == "truth" ? "set format y '%g'\n" : "set format y ''\n");
      if (found == all.end()) {
        sheet.next();
        continue;
      }
      std::vector<double> u = first_field(study, found->u);
      for (double& value : u) value = std::clamp(value, least - (most - least), most + (most - least));
      sheet.panel(std::string(name) == "truth" ? fmt::format("truth, t = {:.4g}", study.times[k]) : name,
                  sheet.image(u, lattice, (most - least) / 400));
    }
  }
  return sheet;
}

}  // namespace

bool draw_evolution(const EvolutionStudy& study, const std::filesystem::path& folder) {
  const std::size_t last = study.times.size() - 1;
  const std::vector<std::size_t> at{last / 2, last};
  Sheet first = errors(study);
  if (!first.finish(folder / "errors.svg")) return false;
  Sheet second = study.grid.dims == 1 ? profiles(study, at) : panels(study, at);
  return second.finish(folder / "fields.svg");
}

}  // namespace lowtide::app
