// Coefficients over time and their spectra: the paper's figures 7 and 8, and the same look for other models.
#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gnuplot.h"
#include "model_field.h"
#include "raster.h"
#include "report_figures.h"
#include "sheet.h"

namespace lowtide::app {
namespace fs = std::filesystem;
namespace {

constexpr double least_shown = 1e-9;  // of singular values, relative

std::string csv_of(const Tensor& table, const Tensor& first) {
  std::string rows;
  const std::int64_t columns = table.shape[1];
  for (std::int64_t k = 0; k < table.shape[0]; ++k) {
    rows += fmt::format("{:.5g}", first.at(k));
    for (std::int64_t j = 0; j < columns; ++j) rows += fmt::format(",{:.4g}", table.at(k * columns + j));
    rows += '\n';
  }
  return rows;
}

Tensor physical_times(const LowRankModel& model, const Tensor& scaled) {
  Tensor out = scaled.clone();
  for (double& t : out.mutable_view<double>()) t = model.physical_time(t);
  return out;
}

// The columns from `begin` on; of more than `most` those that become largest.
std::vector<std::int64_t> largest_columns(const Tensor& s, std::int64_t begin, std::int64_t count,
                                          std::int64_t most) {
  std::vector<double> size(static_cast<std::size_t>(count));
  const std::int64_t n = s.shape[1];
  for (std::int64_t k = 0; k < s.shape[0]; ++k)
    for (std::int64_t j = 0; j < count; ++j)
      size[static_cast<std::size_t>(j)] =
          std::max(size[static_cast<std::size_t>(j)], std::abs(s.at(k * n + begin + j)));
  std::vector<std::int64_t> which(static_cast<std::size_t>(count));
  std::iota(which.begin(), which.end(), begin);
  std::stable_sort(which.begin(), which.end(), [&](std::int64_t a, std::int64_t b) {
    return size[static_cast<std::size_t>(a - begin)] > size[static_cast<std::size_t>(b - begin)];
  });
  if (std::ssize(which) > most) which.resize(static_cast<std::size_t>(most));
  std::sort(which.begin(), which.end());
  return which;
}

ReportFigure coefficients_over_time(const ReportRun& run, const fs::path& svg) {
  const LowRankModel& model = *run.low_rank;
  const std::int64_t l = std::min<std::int64_t>(1, model.weights.depth() - 1);
  const std::int64_t weights = model.weights.layer(l).weight_rank(),
                     biases = model.weights.layer(l).bias_rank();
  constexpr std::int64_t most = 150;  // lines a panel
  const std::int64_t lines = std::min(weights, most) + std::min(biases, most);
  const std::int64_t count = std::clamp<std::int64_t>(16000 / lines, 31, 201);
  const Tensor times = linspace(-1, 1, count, Dtype::f64), s = model.coefficients(times);
  const Tensor t = physical_times(model, times);
  Sheet sheet{.figure = {.width = 960, .height = 400}};
  sheet.panels(1, 2, {.bottom = 60, .top = 40, .across = 70});
  sheet.add(fmt::format("set xrange [{}:{}]\n", t.at(0), t.at(count - 1)));
  sheet.x_label("t");
  std::string colours;
  for (const char* colour : line_colours) colours += fmt::format("{}{}", colours.empty() ? "" : " ", colour);
  sheet.add(fmt::format("colours = '{}'\n", colours));
  const std::int64_t every = (count * lines + 6999) / 7000;  // drawn, of the times in the data
  const auto panel = [&](const std::string& title, std::int64_t begin, std::int64_t all) {
    const auto which = largest_columns(s, begin, all, most);
    const std::string block = sheet.block(csv_of(columns_of(s, which), t));
    sheet.panel(title,
                fmt::format("for [k=2:{}] {} every {} using 1:k with lines lw 0.8 lc rgb word(colours, k%5+1)",
                            which.size() + 1, block, every));
  };
  panel(fmt::format("weight of layer {}", l + 1), model.weights.weight_begin(l), weights);
  panel(fmt::format("bias of layer {}", l + 1), model.weights.bias_begin(l), biases);
  sheet.finish(svg);
  const auto number = [&](std::int64_t all) {
    return all > most ? fmt::format("the {} largest of {}", most, all) : fmt::format("all {}", all);
  };
  return {
      svg, "Coefficients over time",
      fmt::format(
          "Coefficients of layer {} of {} as its hypernetwork gives them: {} of the weight (left), {} of the "
          "bias (right), a line each, at {} times.",
          l + 1, model.name, number(weights), number(biases), count)};
}

// Index and singular value, from the first to the last above `least_shown`. Where a matrix of size `all` has
// fewer, the curve falls off the picture.
std::string spectrum_rows(const Tensor& values, std::int64_t most, std::int64_t all = 0) {
  std::string rows;
  std::int64_t i = 0;
  for (; i < std::min(values.size(), most) && values.at(i) > least_shown * values.at(0); ++i)
    append_row(rows, {static_cast<double>(i + 1), values.at(i) / values.at(0)});
  if (i < std::min(all, most)) append_row(rows, {static_cast<double>(i + 1), least_shown});
  return rows;
}

std::string spectrum_axes(double least) {
  return fmt::format("set logscale y; set format y '10^{{%L}}'; set yrange [{}:2]; set xrange [0:*]\n", least);
}

ReportFigure singular_values(const ReportRun& run, const fs::path& svg) {
  const LowRankModel& model = *run.low_rank;
  const Hypermodes modes = modes_of(run);
  Sheet sheet{.figure = {.width = 960, .height = 420}};
  sheet.panels(1, 2, {.bottom = 60, .top = 40, .across = 70});
  sheet.add(spectrum_axes(least_shown));
  sheet.x_label("hypermode i");
  sheet.y_label("σᵢ / σ₁");
  sheet.panel(
      "singular values",
      fmt::format(
          "{} using 1:2 with linespoints lw 1 pt 7 ps 0.5 lc rgb '{}', {} with lines dt '-' lc rgb '#777777'",
          sheet.block(spectrum_rows(modes.singular_values, 100)), line_colours[2], paper_threshold));
  const std::int64_t shown = std::min<std::int64_t>(6, modes.temporal.shape[1]), all = modes.times.size();
  std::vector<std::int64_t> which, rows;
  for (std::int64_t j = 0; j < shown; ++j) which.push_back(j);
  for (std::int64_t k = 0; k < all; k += std::max<std::int64_t>(1, all / 200)) rows.push_back(k);
  Tensor psi = rows_of(columns_of(modes.temporal, which), rows);
  for (double& v : psi.mutable_view<double>()) v *= std::sqrt(static_cast<double>(all));
  Tensor t({std::ssize(rows)}, Dtype::f64);
  for (std::size_t k = 0; k < rows.size(); ++k)
    t.mutable_data<double>()[k] = model.physical_time(modes.times.at(rows[k]));
  const std::string block = sheet.block(csv_of(psi, t));
  std::string plot;
  constexpr const char* colours[] = {"#332288", "#117733", "#0077bb", "#cc3311", "#882255", "#999933"};
  for (std::int64_t j = 0; j < shown; ++j)
    plot += fmt::format("{}{} using 1:{} with lines lw 1.5 lc rgb '{}' title '{}'", j ? ", " : "", block, j + 2,
                        colours[j], j + 1);
  sheet.add(fmt::format("unset logscale y; set format y '%g'; set yrange [*:*]; set xrange [{}:{}]\n", t.at(0),
                        t.at(t.size() - 1)));
  sheet.x_label("t");
  sheet.y_label("ψⱼ, root mean square 1");
  sheet.add("set key top left horizontal samplen 1.5 opaque\n");
  sheet.panel("temporal modes", plot);
  sheet.finish(svg);
  return {
      svg, "Hypermodes: singular values and temporal modes",
      fmt::format(
          "Left: singular values of the coefficients of all layers at {} times ({}), relative to the first; "
          "{} are above the dashed line at {:g}. Right: the first {} temporal modes.",
          all, model.name, modes.significant(), paper_threshold, shown)};
}

// Snapshots of the first field that a run has learned, times the roots of the cells' sizes: their singular
// values. Empty where points change and have no cells.
Tensor data_spectrum(const Snapshots& set, std::int64_t field) {
  const std::int64_t step = (set.frames() + 199) / 200, count = (set.frames() + step - 1) / step;
  if (!set.fixed() && !has_cells(set) && set.dims() > 1) return {};
  const Frame2D frame = frame_of(set, set.dims() == 1 ? 1000 : 100);
  const std::int64_t n = set.fixed() ? set.points(0).shape[0] : frame.pixels[0] * frame.pixels[1];
  Tensor a({count, n}, Dtype::f64);
  double* to = a.mutable_data<double>();
  for (std::int64_t k = 0; k < set.frames(); k += step) {
    if (set.fixed()) {
      const Tensor u = set.values(k), weight = set.weights(k);
      for (std::int64_t i = 0; i < n; ++i) *to++ = u.at(i * u.shape[1] + field) * std::sqrt(weight.at(i));
    } else {
      for (const double u : rasterize(set, k, field, frame).values) *to++ = std::isnan(u) ? 0 : u;
    }
  }
  return svd(a).s;
}

struct Trajectory {
  Tensor values{};
  std::int64_t all = 0, taken = 0;  // coefficients
};

// Of any network's coefficients at 201 times; of many every so many.
Trajectory trajectory_spectrum(const ReportRun& run) {
  if (run.low_rank) {
    const Hypermodes modes = modes_of(run);
    return {modes.singular_values, modes.modes.shape[0], modes.modes.shape[0]};
  }
  const SavedModel& model = run.run.model;
  if (model.pod || model.evolved || model.from_equation || coefficients(model.net) < 3) return {};
  // Single precision has a floor of 1e-7, but the largest hypernetworks would not fit otherwise.
  const Dtype dtype = model.parameter_count() < 5'000'000 ? Dtype::f64 : Dtype::f32;
  Vars theta;
  for (const Tensor& part : model.theta) theta.emplace_back(part.cast(dtype));
  const std::int64_t all = coefficients(model.net), step = (all + 19'999) / 20'000,
                     taken = (all + step - 1) / step;
  constexpr std::int64_t count = 201;
  Tensor s({count, taken}, Dtype::f64);
  double* to = s.mutable_data<double>();
  for (std::int64_t k = 0; k < count; ++k) {
    Tensor input = zeros({1, std::ssize(model.scaling.t)}, Dtype::f64);
    input.mutable_data<double>()[0] = -1 + 2 * static_cast<double>(k) / (count - 1);
    const Tensor row = coefficients_at_times(model.net, theta, Var(input.cast(dtype))).value();
    for (std::int64_t j = 0; j < all; j += step) *to++ = row.at(j);
  }
  return {svd(s).s, all, taken};
}

ReportFigure spectra(const std::vector<ReportRun>& runs, const std::vector<std::string>& names,
                     const Snapshots& set, const fs::path& svg) {
  Sheet sheet{.figure = {.width = 900, .height = 460}};
  std::vector<Entry> legend;
  std::string plot, note;
  const auto add = [&](const Tensor& values, const std::string& name, const std::string& colour, bool dashed) {
    plot += fmt::format("{}{} using 1:2 with linespoints lw 1.2 pt 7 ps 0.4 lc rgb '{}'{}",
                        plot.empty() ? "" : ", ", sheet.block(spectrum_rows(values, 60)), colour,
                        dashed ? " dt '-'" : "");
    legend.push_back({name, colour, dashed});
  };
  const std::string& field = runs.at(0).run.model.scaling.fields.at(0);
  if (const Tensor data = data_spectrum(set, columns_of(set, {field})[0]))
    add(data, field + " in the data", "#777777", true);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const Trajectory found = trajectory_spectrum(runs[r]);
    if (!found.values) continue;
    add(found.values, "coefficients of " + names[r], colour_of(r), false);
    if (found.taken < found.all)
      note += fmt::format(" Of the {} coefficients of {} every {}th is taken.", found.all, names[r],
                          (found.all + found.taken - 1) / found.taken);
  }
  if (legend.empty()) return {};
  sheet.panels(1, 1, {.bottom = 60, .top = 50}, legend);
  sheet.add(spectrum_axes(least_shown));
  sheet.x_label("i");
  sheet.y_label("σᵢ / σ₁");
  sheet.panel("", plot + fmt::format(", {} with lines dt '.' lc rgb '#777777'", paper_threshold));
  sheet.finish(svg);
  const bool data = legend[0].dashed;
  std::string of = data ? "the data's frames (weighted by the cells' sizes)" : "";
  if (legend.size() > (data ? 1U : 0U))
    of += fmt::format("{}the coefficients that {} network in x is given over time", data ? " and of " : "",
                      runs.size() > 1 ? "each model's" : "the model's");
  return {svg, "Spectra over time",
          fmt::format("Singular values, relative to the first, of {}. The dotted line is at {:g}.{}", of,
                      paper_threshold, note)};
}

// The matrix of layer l at coefficients s (n).
Tensor weight_of(const SirenHyper& net, const Tensor& s, std::size_t l) {
  const std::vector<std::int64_t> widths = net.siren().widths;
  std::int64_t begin = 0;
  for (std::size_t k = 0; k < l; ++k) begin += (widths[k] + 1) * widths[k + 1];
  Tensor w({widths[l], widths[l + 1]}, Dtype::f64);
  for (std::int64_t i = 0; i < w.size(); ++i) w.mutable_data<double>()[i] = s.at(begin + i);
  return w;
}

// Singular values of U diag(s1) VT, by way of the triangles of U and V.
Tensor spectrum_of(const LowRankWeights& net, const Tensor& s, std::int64_t l) {
  const LowRankLayer& layer = net.layer(l);
  Tensor left = qr(transposed(layer.u)).r;
  double* to = left.mutable_data<double>();
  const std::int64_t r = layer.weight_rank(), begin = net.weight_begin(l);
  for (std::int64_t i = 0; i < left.size(); ++i) to[i] *= s.at(begin + i % r);
  return svd(multiply(left, qr(transposed(layer.v)).r, Trans::no, Trans::yes)).s;
}

// Spectra of the weights between hidden layers at a few times, a panel a model.
ReportFigure weight_spectra(const std::vector<ReportRun>& runs, const std::vector<std::string>& names,
                            const fs::path& svg) {
  std::vector<std::size_t> shown;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const SavedModel& model = runs[r].run.model;
    const SirenHyper* siren =
        model.pod || model.evolved || model.from_equation ? nullptr : std::get_if<SirenHyper>(&model.net);
    const std::int64_t depth = runs[r].low_rank ? runs[r].low_rank->weights.depth() : siren ? siren->depth : 0;
    if (depth > 2) shown.push_back(r);  // there are weights between hidden layers
  }
  if (shown.size() > 4) shown.resize(4);
  if (shown.empty()) return {};
  const int columns = static_cast<int>(std::min<std::size_t>(2, shown.size())), rows = shown.size() > 2 ? 2 : 1;
  Sheet sheet{.figure = {.width = columns == 1 ? 640 : 960, .height = 60 + 380 * rows}};
  std::vector<Entry> legend;
  struct Panel {
    std::string title{}, plot{};
    std::int64_t width = 0;
  };
  std::vector<Panel> panels;
  std::vector<double> times;
  for (const std::size_t r : shown) {
    const SavedModel& model = runs[r].run.model;
    Panel panel{.title = names[r]};
    const SirenHyper* siren = runs[r].low_rank ? nullptr : &std::get<SirenHyper>(model.net);
    const std::int64_t depth = siren ? siren->depth : runs[r].low_rank->weights.depth();
    panel.width = siren ? siren->width : runs[r].low_rank->weights.layer(0).out();
    times.clear();
    for (const double part : {0.1, 0.5, 0.9}) {
      const double t = time_at(model.scaling, part);
      times.push_back(t);
      Tensor s;
      if (siren) {
        Vars theta(model.theta.begin(), model.theta.end());
        std::vector<double> mu;
        for (std::size_t p = 1; p < model.scaling.t.size(); ++p)
          mu.push_back((model.scaling.t[p].low + model.scaling.t[p].high) / 2);
        s = coefficients_at_times(model.net, theta, Var(model.scaling.time(t, mu))).value();
      } else {
        s = coefficients_at(*runs[r].low_rank, t);
      }
      for (std::int64_t l = 1; l + 1 < depth; ++l) {
        const Tensor values = siren ? svd(weight_of(*siren, s, static_cast<std::size_t>(l))).s
                                    : spectrum_of(runs[r].low_rank->weights, s, l);
        const char* colour = line_colours[static_cast<std::size_t>(l - 1) % std::size(line_colours)];
        panel.plot +=
            fmt::format("{}{} using 1:2 with lines lw 0.8 lc rgb '{}'", panel.plot.empty() ? "" : ", ",
                        sheet.block(spectrum_rows(values, 600, panel.width)), colour);
        if (std::ssize(legend) < l) legend.push_back({fmt::format("layer {}", l + 1), colour});
      }
    }
    panels.push_back(panel);
  }
  sheet.panels(rows, columns, {.bottom = 60, .top = 65, .across = 70, .down = 80}, legend);
  sheet.add(spectrum_axes(1e-5));
  sheet.x_label("i");
  sheet.y_label("σᵢ / σ₁");
  int drawn = 0;
  for (const Panel& panel : panels) {
    sheet.add(fmt::format("set xrange [0:{}]\n", panel.width + 1));
    sheet.panel(panel.title, panel.plot);
    sheet.y_label(++drawn % columns == 0 ? "σᵢ / σ₁" : "");
  }
  sheet.finish(svg);
  std::string words =
      "Relative to the first, of the matrices between hidden layers at a tenth, half and nine tenths of the "
      "time range (a line each); the axis ends at their size.";
  const auto low = [&](std::size_t r) { return runs[r].low_rank.has_value(); };
  if (std::any_of(shown.begin(), shown.end(), low))
    words += " A low-rank network's have no more than its rank.";
  if (!std::all_of(shown.begin(), shown.end(), low))
    words += " Those that a SIREN's hypernetwork gives have full rank.";
  return {svg, "Singular values of the weights", words};
}

}  // namespace

Figures coefficient_figures(const ReportRun& run, const fs::path& folder) {
  if (!run.low_rank) return {};
  const std::string prefix = prefix_of(run);
  return {coefficients_over_time(run, folder / (prefix + "-coefficients.svg")),
          singular_values(run, folder / (prefix + "-hypermodes.svg"))};
}

Figures spectrum_figures(const std::vector<ReportRun>& runs, const Snapshots& set, const fs::path& folder) {
  if (runs.empty()) return {};
  std::vector<FinishedRun> finished;
  for (const ReportRun& run : runs) finished.push_back(run.run);
  const std::vector<std::string> names = names_of(finished);
  Figures figures;
  for (ReportFigure& figure :
       Figures{spectra(runs, names, set, folder / (prefix_of(runs[0]) + "-spectra.svg")),
               weight_spectra(runs, names, folder / (prefix_of(runs[0]) + "-weight-spectra.svg"))})
    if (!figure.svg.empty()) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace lowtide::app
