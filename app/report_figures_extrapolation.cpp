// Large steps along the hypermodes: the paper's figure 16, in both readings of equation 5.8.
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

constexpr std::array<double, 5> steps{-1, -.5, 0, .5, 1};

// The two readings of 5.8, along the same lines s + a phi_i.
struct Reading {
  std::string file{}, title{}, words{};
  std::vector<double> scale{};  // a = eta scale_i
};

std::vector<Reading> readings(const ReportRun& run, const Hypermodes& modes, std::int64_t count, double t) {
  const LowRankModel& model = *run.low_rank;
  const std::vector<double> speed = speeds(model, modes.modes, count, t);
  const Tensor c = coordinates(modes.modes, model.coefficients(linspace(-1, 1, 401, Dtype::f64)));
  std::vector<double> spans;
  for (std::int64_t i = 0; i < count; ++i) {
    double least = c.at(i), most = least;
    for (std::int64_t k = 0; k < c.shape[0]; ++k) {
      least = std::min(least, c.at(k * c.shape[1] + i));
      most = std::max(most, c.at(k * c.shape[1] + i));
    }
    spans.push_back((speed[static_cast<std::size_t>(i)] < 0 ? -1 : 1) * (most - least));
  }
  return {{"extrapolation", "Large steps along the hypermodes",
           "by η Rᵢ φᵢ, where Rᵢ is the range of the mode's coordinate cᵢ over all times (equation 5.8 "
           "read as a "
           "step along φᵢ), η > 0 the way in which cᵢ moves",
           spans},
          {"extrapolation-motion", "Large steps at the speed of the coordinates",
           "by η c'ᵢ(t) φᵢ (equation 5.8 as it is printed), with c'ᵢ by the network's own time, so that η = "
           "1 is as far "
           "as cᵢ would go in half of the time range at its speed at that moment. The lines are those of the "
           "other "
           "reading, the steps are longer or shorter",
           speed}};
}

using Moved = std::vector<std::vector<double>>;  // the field after each of the steps

Sheet profiles(const std::vector<Moved>& moved, const Lattice& lattice, const std::string& field) {
  Sheet sheet{.figure = {.width = 960, .height = moved.size() > 3 ? 680 : 370}};
  std::vector<Entry> legend;
  for (std::size_t k = 0; k < steps.size(); ++k)
    legend.push_back({fmt::format("η = {:g}", steps[k]), time_colours[k], false, steps[k] == 0 ? 4.0 : 2.0});
  sheet.panels(moved.size() > 3 ? 2 : 1, 3, {}, legend);
  sheet.add(fmt::format("set xrange [{}:{}]\n", lattice.first[0], lattice.last[0]));
  sheet.x_label("x");
  for (std::size_t i = 0; i < moved.size(); ++i) {
    const std::string block = sheet.curves(lattice, moved[i]);
    std::string plot;
    for (std::size_t k = 0; k < steps.size(); ++k)
      plot += fmt::format("{}{} using 1:{} with lines lw {} lc rgb '{}'", k ? ", " : "", block, k + 2,
                          steps[k] == 0 ? 2.5 : 1.3, time_colours[k]);
    sheet.y_label(i % 3 == 0 ? field : "");
    sheet.panel(fmt::format("hypermode {}", i + 1), plot);
  }
  return sheet;
}

// A row a mode, a column a step. Colours end half the range of u below and above it.
Sheet maps(const std::vector<Moved>& moved, const Lattice& lattice, const Lattice& domain) {
  const double aspect = (domain.last[1] - domain.first[1]) / (domain.last[0] - domain.first[0]);
  const double width = 960, panel = (width - 70 - 75 - 4 * 20) / 5;
  const auto rows = static_cast<int>(moved.size());
  Sheet sheet{.figure = {.width = 960, .height = static_cast<int>(75 + rows * (panel * aspect + 25))}};
  sheet.panels(rows, 5, {.left = 70, .right = 75, .bottom = 35, .top = 40, .across = 20, .down = 25});
  sheet.ranges(domain);
  const std::vector<double>& u = moved.at(0).at(2);
  const double range = range_of(u) > 0 ? range_of(u) : 1;
  const double least = *std::min_element(u.begin(), u.end()) - range / 2, most = least + 2 * range;
  sheet.add(fmt::format("{}unset grid; unset colorbox; set cbrange [{:.5g}:{:.5g}]\n", palette, least, most));
  const auto tics = [&](char axis, double right, double up) {
    const std::size_t a = axis == 'x' ? 0 : 1;
    return fmt::format("set {}tics nomirror out scale 0.5 {:g} offset {:g},{:g}\n", axis,
                       nice_step((domain.last[a] - domain.first[a]) / 3), right, up);
  };
  for (std::size_t i = 0; i < moved.size(); ++i)
    for (std::size_t k = 0; k < steps.size(); ++k) {
      std::vector<double> values = moved[i][k];
      for (double& v : values) v = std::clamp(v, least, most);
      sheet.y_label(k == 0 ? fmt::format("hypermode {}", i + 1) : "");
      // Every tic is some hundred bytes.
      sheet.add(k == 0 ? tics('y', 0.5, 0) : "unset ytics\n");
      sheet.add(i + 1 == moved.size() ? tics('x', 0, 0.4) : "unset xtics\n");
      sheet.add(k + 1 == steps.size() && i == 0 ? "set colorbox\n" : "unset colorbox\n");
      sheet.panel(i == 0 ? fmt::format("η = {:g}", steps[k]) : "", sheet.image(values, lattice, range / 200));
    }
  return sheet;
}

}  // namespace

Figures extrapolation_figures(const ReportRun& run, const Snapshots&, const fs::path& folder) {
  if (!run.low_rank || run.low_rank->scaling.dims() > 2) return {};
  const LowRankModel& model = *run.low_rank;
  const bool line = model.scaling.dims() == 1;
  const Hypermodes modes = modes_of(run);
  const std::int64_t count = std::min<std::int64_t>(line ? 5 : 4, modes.modes.shape[1]);
  const double t = time_at(model.scaling, 0.75);
  const Tensor s = coefficients_at(model, t);
  const Lattice lattice = line ? nodes_of(model.scaling, 801) : pixels_of(model.scaling, 32);
  Figures figures;
  for (const Reading& reading : readings(run, modes, count, t)) {
    std::vector<Moved> all;
    std::vector<std::string> sizes;
    for (std::int64_t i = 0; i < count; ++i) {
      const double scale = reading.scale[static_cast<std::size_t>(i)];
      all.emplace_back();
      for (const double eta : steps)
        all.back().push_back(field_on(model, lattice, moved(s, modes.modes, i, eta * scale)));
      sizes.push_back(fmt::format("{:.2g}", std::abs(scale)));
    }
    const fs::path svg = folder / fmt::format("{}-{}.svg", prefix_of(run), reading.file);
    Sheet sheet =
        line ? profiles(all, lattice, model.scaling.fields[0]) : maps(all, lattice, nodes_of(model.scaling, 2));
    sheet.finish(svg);
    figures.push_back(
        {svg, reading.title,
         fmt::format(
             "{} of {} at t = {:.3g}, with the coefficients moved {}. Steps for η = 1: {}; the norm of s "
             "is {:.3g}.{}",
             model.scaling.fields[0], model.name, t, reading.words, joined(sizes), norm(s),
             line ? "" : " Colours end half of the range of u (η = 0) below and above it.")});
  }
  return figures;
}

}  // namespace lowtide::app
