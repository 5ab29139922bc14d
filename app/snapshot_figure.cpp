#include "snapshot_figure.h"
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/run/figure.h>
#include "gnuplot.h"
#include "raster.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <limits>

namespace lowtide::app {
namespace {

std::string title_of(const Snapshots& set, std::int64_t field) {
  const std::string& name = set.fields[static_cast<std::size_t>(field)];
  return set.case_name.empty() ? name : fmt::format("{}: {}", set.case_name, name);
}

// Some frames, from the first to the last, without repetition.
std::vector<std::int64_t> frames_at(const Snapshots& set, std::initializer_list<double> parts) {
  std::vector<std::int64_t> frames;
  for (const double part : parts) frames.push_back(std::lround(part * static_cast<double>(set.frames() - 1)));
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  return frames;
}

struct Range {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  void take(const std::vector<double>& values) {
    for (const double value : values)
      if (!std::isnan(value)) least = std::min(least, value), most = std::max(most, value);
  }
};

// A scale of logarithms for positive values over a few decades.
const char* scale_of(const Range& range) {
  const bool decades = range.least > 0 && range.most > 10 * range.least && range.most < 1e5 * range.least;
  return decades ? "set logscale cb\n" : "";
}

std::string profiles(const Snapshots& set, std::int64_t field, const std::vector<std::int64_t>& shown,
                     int first_block) {
  std::string plot =
      fmt::format("set title 'profiles'; set ylabel {} noenhanced; set yrange [*:*]; set autoscale y\n",
                  quoted(set.fields[static_cast<std::size_t>(field)]));
  plot += "set key outside below horizontal; set grid lc rgb '#dddddd'\nplot ";
  for (std::size_t c = 0; c < shown.size(); ++c)
    plot += fmt::format("{}data index {} using 1:2 with lines lw 1.5 lc rgb '{}' title 't = {:.4g}'",
                        c ? ", \\\n     " : "", first_block + static_cast<int>(c),
                        line_colours[c % std::size(line_colours)], set.time(shown[c]));
  return plot + "\n";
}

// Rows of the picture over time: the frames, or, where these are not equally spaced, the nearest at equal
// times.
std::vector<std::int64_t> rows_over_time(const Snapshots& set) {
  const std::int64_t frames = set.frames();
  const double t0 = set.time(0), t1 = set.time(frames - 1), dt = (t1 - t0) / static_cast<double>(frames - 1);
  bool equal = true;
  for (std::int64_t k = 0; k < frames; ++k)
    equal = equal && std::abs(set.time(k) - (t0 + static_cast<double>(k) * dt)) < 0.01 * dt;
  std::vector<std::int64_t> rows;
  const std::int64_t count = equal ? frames : 400;
  for (std::int64_t r = 0, k = 0; r < count; ++r) {
    const double t = t0 + static_cast<double>(r) * (t1 - t0) / static_cast<double>(count - 1);
    while (k + 1 < frames && std::abs(set.time(k + 1) - t) <= std::abs(set.time(k) - t)) ++k;
    rows.push_back(equal ? r : k);
  }
  return rows;
}

Figure space_and_time(const Snapshots& set, std::int64_t field) {
  const Frame2D frame = frame_of(set, 1000);
  const std::int64_t nx = frame.pixels[0], frames = set.frames();
  const double x0 = frame.low[0], x1 = frame.high[0], dx = (x1 - x0) / static_cast<double>(nx);
  Figure figure{.width = frames > 1 ? 1100 : 600, .height = 450};
  figure.script = fmt::format("{}set tics nomirror out\nset xrange [{}:{}]; set xlabel 'x'\n", palette, x0, x1);
  int blocks = 0;
  if (frames > 1) {
    const std::vector<std::int64_t> rows = rows_over_time(set);
    const double t0 = set.time(0), t1 = set.time(frames - 1),
                 dt = (t1 - t0) / static_cast<double>(rows.size() - 1);
    Range range;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::vector<double> row = rasterize(set, rows[r], field, frame).values;
      range.take(row);
      for (std::int64_t i = 0; i < nx; ++i)
        append_row(figure.data, {x0 + (static_cast<double>(i) + 0.5) * dx, t0 + static_cast<double>(r) * dt,
                                 row[static_cast<std::size_t>(i)]});
    }
    ++blocks;
    figure.script +=
        "set multiplot layout 1,2\n" +
        fmt::format("set title {} noenhanced\nset ylabel 't'; unset key\n", quoted(title_of(set, field))) +
        scale_of(range) + fmt::format("set yrange [{}:{}]\n", t0, t1) +
        "plot data index 0 using 1:2:3 with image\n";
  }
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.5, 0.75, 1});
  for (std::size_t c = 0; c < shown.size(); ++c) {
    if (blocks + c > 0) figure.data += "\n\n";
    for (const auto& [x, u] : sorted_points(set, shown[c], field)) append_row(figure.data, {x, u});
  }
  figure.script += profiles(set, field, shown, blocks) + (frames > 1 ? "unset multiplot\n" : "");
  return figure;
}

// What the panels of several frames share. Panels are 270 pixels wide, with room for labels between them.
std::string panels_head(const Snapshots& set, std::int64_t field, const Frame2D& frame, Range range,
                        std::size_t panels, const Figure& figure) {
  if (!(range.most > range.least)) range.most = range.least + 1;
  const double width = figure.width;
  return fmt::format("{}set tics nomirror out; unset key; unset colorbox\n", palette) +
         fmt::format("set size ratio {}\nset xrange [{}:{}]; set yrange [{}:{}]; set cbrange [{}:{}]\n",
                     (frame.high[1] - frame.low[1]) / (frame.high[0] - frame.low[0]), frame.low[0],
                     frame.high[0], frame.low[1], frame.high[1], range.least, range.most) +
         fmt::format("set label 1 {} at screen 0.5,0.96 center noenhanced\n", quoted(title_of(set, field))) +
         fmt::format("set multiplot layout 1,{} margins screen {:.4f},{:.4f},0.09,0.84 spacing screen {:.4f}\n",
                     panels, 65 / width, 1 - 85 / width, 65 / width);
}

int width_of(std::size_t panels) { return static_cast<int>(85 + 335 * panels); }

std::string panel_title(const Snapshots& set, std::int64_t k, bool last) {
  return fmt::format("set title 't = {:.4g}'{}\n", set.time(k), last ? "; set colorbox" : "");
}

Figure frames_with_levels(const Snapshots& set, std::int64_t field) {
  const Frame2D frame = frame_of(set, 400);
  const auto [nx, ny] = frame.pixels;
  const double x0 = frame.low[0], dx = (frame.high[0] - x0) / static_cast<double>(nx);
  const double y0 = frame.low[1], dy = (frame.high[1] - y0) / static_cast<double>(ny);
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.6, 1});

  Figure figure{.width = width_of(shown.size()), .height = 400};
  Range range;
  std::vector<Raster> rasters;
  for (const std::int64_t k : shown) {
    rasters.push_back(rasterize(set, k, field, frame));
    range.take(rasters.back().values);
  }
  for (std::int64_t j = 0; j < ny; ++j)
    for (std::int64_t i = 0; i < nx; ++i) {
      std::vector<double> row{x0 + (static_cast<double>(i) + 0.5) * dx,
                              y0 + (static_cast<double>(j) + 0.5) * dy};
      for (const Raster& raster : rasters) row.push_back(raster.values[static_cast<std::size_t>(j * nx + i)]);
      append_row(figure.data, row);
    }
  figure.script = panels_head(set, field, frame, range, shown.size(), figure);
  int block = 0;
  for (std::size_t c = 0; c < shown.size(); ++c) {
    figure.script += panel_title(set, shown[c], c + 1 == shown.size()) +
                     fmt::format("plot data index 0 using 1:2:{} with image", c + 3);
    if (const auto borders = level_borders(rasters[c]); !borders.empty()) {
      figure.data += "\n";
      for (const auto& line : borders)
        figure.data += fmt::format("\n{:.6g},{:.6g}\n{:.6g},{:.6g}\n", line[0], line[1], line[2], line[3]);
      figure.script +=
          fmt::format(", \\\n     data index {} using 1:2 with lines lw 0.6 lc rgb '#ffffff'", ++block);
    }
    figure.script += c == 0 ? "\nunset label 1\n" : "\n";
  }
  figure.script += "unset multiplot\n";
  return figure;
}

Figure frames_of_points(const Snapshots& set, std::int64_t field) {
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.6, 1});
  Figure figure{.width = width_of(shown.size()), .height = 400};
  Range range;
  std::int64_t most = 1;
  for (std::size_t c = 0; c < shown.size(); ++c) {
    const Tensor x = set.points(shown[c]), u = set.values(shown[c]);
    most = std::max(most, x.shape[0]);
    if (c > 0) figure.data += "\n\n";
    for (std::int64_t i = 0; i < x.shape[0]; ++i) {
      const double value = u.at(i * u.shape[1] + field);
      append_row(figure.data, {x.at(2 * i), x.at(2 * i + 1), value});
      range.take({value});
    }
  }
  figure.script = panels_head(set, field, frame_of(set, 1), range, shown.size(), figure);
  const double size = std::clamp(50 / std::sqrt(static_cast<double>(most)), 0.15, 1.0);
  for (std::size_t c = 0; c < shown.size(); ++c)
    figure.script += panel_title(set, shown[c], c + 1 == shown.size()) +
                     fmt::format("plot data index {} using 1:2:3 with points pt 7 ps {:.2f} palette\n{}", c,
                                 size, c == 0 ? "unset label 1\n" : "");
  figure.script += "unset multiplot\n";
  return figure;
}

}  // namespace

bool draw_snapshots(const Snapshots& set, std::int64_t field, const std::filesystem::path& svg) {
  if (set.dims() > 2) throw InputError("there is no picture of three dimensions");
  Figure figure = set.dims() == 1  ? space_and_time(set, field)
                  : has_cells(set) ? frames_with_levels(set, field)
                                   : frames_of_points(set, field);
  figure.path = svg;
  return draw(figure);
}

}  // namespace lowtide::app
