#include "compress_figure.h"

#include <fmt/format.h>
#include <lowtide/run/figure.h>

#include <algorithm>
#include <cmath>

#include "gnuplot.h"

namespace lowtide::app {
namespace {

constexpr double floor_of_errors = 1e-9;  // f32 gives no less: a logarithm must be of something

std::string colour(std::size_t k) { return line_colours[k % std::size(line_colours)]; }

}  // namespace

bool draw_compression(const std::vector<CompressionCurve>& curves, const std::filesystem::path& svg) {
  Figure figure{.path = svg, .width = 640, .height = 420};
  figure.script =
      "set logscale xy\nset format y '10^{%L}'\nset xlabel 'bytes, percent of the dense network'\n"
      "set ylabel 'relative error of the output'\nset key left bottom\nset grid\n"
      "set xtics (3, 5, 10, 25, 50, 100)\nset xrange [2.5:100]\n";
  std::string plot;
  for (std::size_t k = 0; k < curves.size(); ++k) {
    for (const auto& [bytes, error] : curves[k].points)
      append_row(figure.data, {100 * bytes, std::max(error, floor_of_errors)});
    if (curves[k].points.empty()) append_row(figure.data, {NAN, NAN});
    figure.data += "\n\n";
    plot += fmt::format("{} data index {} using 1:2 with linespoints pt 7 ps 0.6 lw 2 lc rgb '{}' title {}",
                        k == 0 ? "plot" : ",", k, colour(k), quoted(curves[k].name));
  }
  figure.script += plot + "\n";
  return draw(figure);
}

bool draw_layers(const std::vector<LayerErrors>& models, const std::filesystem::path& svg) {
  Figure figure{.path = svg, .width = 640, .height = 420};
  std::string ticks, plot;
  for (std::size_t l = 0; l < models.front().names.size(); ++l)
    ticks += fmt::format("{}{} {}", l == 0 ? "" : ", ", quoted(models.front().names[l]), l + 1);
  figure.script = fmt::format(
      "set logscale y\nset format y '10^{{%L}}'\nset xlabel 'the only layer that is compressed'\n"
      "set ylabel 'relative error of the output'\nset key outside right\nset grid\nset xtics ({})\n"
      "set xrange [0.7:{}.3]\n",
      ticks, models.front().names.size());
  std::vector<std::string> methods;  // by their first model
  std::vector<int> models_of;        // so many so far
  constexpr int kinds_of_points[] = {7, 5, 9, 13, 11, 6, 4, 8, 12, 10};
  for (std::size_t k = 0; k < models.size(); ++k) {
    const auto method =
        static_cast<std::size_t>(std::find(methods.begin(), methods.end(), models[k].method) - methods.begin());
    if (method == methods.size()) {
      methods.push_back(models[k].method);
      models_of.push_back(0);
    }
    const int number = models_of[method]++;
    for (std::size_t l = 0; l < models[k].errors.size(); ++l)
      append_row(figure.data, {static_cast<double>(l + 1),
                               models[k].errors[l] > floor_of_errors ? models[k].errors[l] : NAN});
    figure.data += "\n\n";
    plot +=
        fmt::format("{} data index {} using 1:2 with linespoints pt {} dt {} ps 0.7 lw 2 lc rgb '{}' title {}",
                    k == 0 ? "plot" : ",", k, kinds_of_points[number % std::size(kinds_of_points)],
                    number % 5 + 1, colour(method), quoted(models[k].name));
  }
  figure.script += plot + "\n";
  return draw(figure);
}

}  // namespace lowtide::app
