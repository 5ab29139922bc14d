#include "snapshot_figure.h"
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/run/figure.h>
#include "gnuplot.h"
#include "raster.h"
#include "sheet.h"

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

// What an image's numbers may be rounded by: logarithms need small steps.
double precision_of(const Range& range) {
  return (*scale_of(range) ? std::min(range.most - range.least, 10 * range.least) : range.most - range.least) /
         400;
}

// Rows of the picture over time: the frames, or, where these are not equally spaced, the nearest at equal
// times.
std::vector<std::int64_t> rows_over_time(const Snapshots& set, std::int64_t most) {
  const std::int64_t frames = set.frames();
  const double t0 = set.time(0), t1 = set.time(frames - 1), dt = (t1 - t0) / static_cast<double>(frames - 1);
  bool equal = true;
  for (std::int64_t k = 0; k < frames; ++k)
    equal = equal && std::abs(set.time(k) - (t0 + static_cast<double>(k) * dt)) < 0.01 * dt;
  std::vector<std::int64_t> rows;
  equal = equal && frames <= most;
  const std::int64_t count = equal ? frames : std::min<std::int64_t>(most, 400);
  for (std::int64_t r = 0, k = 0; r < count; ++r) {
    const double t = t0 + static_cast<double>(r) * (t1 - t0) / static_cast<double>(count - 1);
    while (k + 1 < frames && std::abs(set.time(k + 1) - t) <= std::abs(set.time(k) - t)) ++k;
    rows.push_back(equal ? r : k);
  }
  return rows;
}

Lattice pixels_of(const Frame2D& frame) {
  Lattice lattice{.dims = 2, .n = frame.pixels};
  for (std::size_t a = 0; a < 2; ++a) {
    const double half = (frame.high[a] - frame.low[a]) / static_cast<double>(2 * frame.pixels[a]);
    lattice.first[a] = frame.low[a] + half;
    lattice.last[a] = frame.high[a] - half;
  }
  return lattice;
}

Sheet space_and_time(const Snapshots& set, std::int64_t field, std::int64_t pixels) {
  const Frame2D frame = frame_of(set, pixels * 5 / 2);
  const std::int64_t frames = set.frames();
  Sheet sheet{.figure = {.width = frames > 1 ? 1000 : 600, .height = 430}};
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.5, 0.75, 1});
  std::vector<Entry> legend;
  for (std::size_t c = 0; c < shown.size(); ++c)
    legend.push_back({fmt::format("t = {:.4g}", set.time(shown[c])), time_colours[c]});
  sheet.panels(1, frames > 1 ? 2 : 1, {.left = 65, .right = 30, .bottom = 50, .top = 75, .across = 150},
               legend);
  sheet.add(fmt::format("{}set xrange [{}:{}]\n", palette, frame.low[0], frame.high[0]));
  sheet.x_label("x");
  if (frames > 1) {
    const std::vector<std::int64_t> times = rows_over_time(set, pixels);
    Lattice lattice = pixels_of(frame);
    lattice.first[1] = set.time(0);
    lattice.last[1] = set.time(frames - 1);
    lattice.n[1] = std::ssize(times);
    std::vector<double> values;
    for (const std::int64_t k : times) {
      const std::vector<double> row = rasterize(set, k, field, frame).values;
      values.insert(values.end(), row.begin(), row.end());
    }
    Range range;
    range.take(values);
    sheet.y_label("t");
    sheet.add(
        fmt::format("unset grid; set yrange [{}:{}]\n{}", lattice.first[1], lattice.last[1], scale_of(range)));
    sheet.panel(title_of(set, field), sheet.image(values, lattice, precision_of(range)));
    sheet.add("set yrange [*:*]; set autoscale y; set grid lc rgb '#dddddd'\n");
  }
  sheet.y_label(set.fields[static_cast<std::size_t>(field)]);
  std::string plot;
  for (std::size_t c = 0; c < shown.size(); ++c) {
    std::string rows;
    for (const auto& [x, u] : sorted_points(set, shown[c], field)) append_row(rows, {x, u});
    plot += fmt::format("{}{} using 1:2 with lines lw 1.5 lc rgb '{}'", c ? ", " : "", sheet.block(rows),
                        time_colours[c]);
  }
  sheet.panel("profiles", plot);
  return sheet;
}

// What the panels of several frames share: two in a row, and the colours beside them.
Sheet sheet_of_frames(const Snapshots& set, std::int64_t field, const Frame2D& frame, Range range,
                      std::size_t panels) {
  if (!(range.most > range.least)) range.most = range.least + 1;
  const int columns = panels > 1 ? 2 : 1, rows = static_cast<int>(panels + 1) / 2;
  const double width = columns == 2 ? 900 : 560,
               aspect = (frame.high[1] - frame.low[1]) / (frame.high[0] - frame.low[0]);
  const double panel = (width - 55 - 90 - 40 * (columns - 1)) / columns;
  Sheet sheet{.figure = {.width = static_cast<int>(width),
                         .height = static_cast<int>(80 + rows * (panel * aspect + 50))}};
  sheet.panels(rows, columns, {.left = 55, .right = 90, .bottom = 40, .top = 60, .across = 40, .down = 50});
  sheet.add(fmt::format("{}unset grid; unset colorbox\nset label 1 {} at screen 0.5,{:.4f} center noenhanced\n",
                        palette, quoted(title_of(set, field)), 1 - 14.0 / sheet.figure.height));
  sheet.ranges({.dims = 2, .first = frame.low, .last = frame.high});
  sheet.add(fmt::format("set cbrange [{:.6g}:{:.6g}]\n", range.least, range.most));
  return sheet;
}

void add_frame(Sheet& sheet, const Snapshots& set, std::int64_t k, std::size_t c, const std::string& plot) {
  sheet.add(c % 2 == 1 ? "set colorbox\n" : "unset colorbox\n");
  sheet.panel(fmt::format("t = {:.4g}", set.time(k)), plot);
  if (c == 0) sheet.add("unset label 1\n");
}

Sheet frames_with_levels(const Snapshots& set, std::int64_t field, std::int64_t pixels) {
  const Frame2D frame = frame_of(set, pixels), fine = frame_of(set, 400);
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.6, 1});
  Range range;
  std::vector<Raster> rasters;
  for (const std::int64_t k : shown) {
    rasters.push_back(rasterize(set, k, field, frame));
    range.take(rasters.back().values);
  }
  Sheet sheet = sheet_of_frames(set, field, frame, range, shown.size());
  std::vector<std::string> images;
  for (const Raster& raster : rasters)
    images.push_back(sheet.image(raster.values, pixels_of(frame), precision_of(range)));
  for (std::size_t c = 0; c < shown.size(); ++c) {
    std::string plot = images[c];
    if (const auto borders = level_borders(rasterize(set, shown[c], field, fine)); !borders.empty()) {
      std::string rows;
      for (const auto& line : borders)
        rows += fmt::format("{}{:.6g},{:.6g}\n{:.6g},{:.6g}\n", rows.empty() ? "" : "\n", line[0], line[1],
                            line[2], line[3]);
      plot += fmt::format(", {} using 1:2 with lines lw 0.6 lc rgb '#ffffff'", sheet.block(rows));
    }
    add_frame(sheet, set, shown[c], c, plot);
  }
  return sheet;
}

Sheet frames_of_points(const Snapshots& set, std::int64_t field, std::int64_t pixels) {
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.6, 1});
  Range range;
  std::int64_t most = 1;
  std::vector<std::string> blocks;
  for (const std::int64_t k : shown) {
    const Tensor x = set.points(k), u = set.values(k);
    const std::int64_t step = std::max<std::int64_t>(1, x.shape[0] / (pixels * pixels));
    most = std::max(most, x.shape[0] / step);
    std::string rows;
    for (std::int64_t i = 0; i < x.shape[0]; i += step) {
      const double value = u.at(i * u.shape[1] + field);
      append_row(rows, {x.at(2 * i), x.at(2 * i + 1), value});
      range.take({value});
    }
    blocks.push_back(rows);
  }
  Sheet sheet = sheet_of_frames(set, field, frame_of(set, 1), range, shown.size());
  const double size = std::clamp(50 / std::sqrt(static_cast<double>(most)), 0.15, 1.0);
  for (std::size_t c = 0; c < shown.size(); ++c)
    add_frame(sheet, set, shown[c], c,
              fmt::format("{} using 1:2:3 with points pt 7 ps {:.2f} palette", sheet.block(blocks[c]), size));
  return sheet;
}

}  // namespace

bool draw_snapshots(const Snapshots& set, std::int64_t field, const std::filesystem::path& svg,
                    std::int64_t pixels) {
  if (set.dims() > 2) throw InputError("there is no picture of three dimensions");
  Sheet sheet = set.dims() == 1  ? space_and_time(set, field, pixels)
                : has_cells(set) ? frames_with_levels(set, field, pixels)
                                 : frames_of_points(set, field, pixels);
  return sheet.finish(svg);
}

}  // namespace lowtide::app
