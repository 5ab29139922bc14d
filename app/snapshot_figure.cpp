#include "snapshot_figure.h"
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/run/figure.h>
#include "raster.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <limits>

namespace lowtide::app {
namespace {

// Viridis, which stays readable in grey and for most kinds of colour blindness.
constexpr const char* palette =
    "set palette defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', "
    "6 '#5ec962', 7 '#addc30', 8 '#fde725')\n";

std::string title_of(const Snapshots& set) {
  return set.case_name.empty() ? set.fields[0] : fmt::format("{}: {}", set.case_name, set.fields[0]);
}

// In a gnuplot string between single quotes, without its markup.
std::string quoted(const std::string& text) {
  std::string safe;
  for (const char c : text)
    if (c == '\'')
      safe += "''";
    else if (static_cast<unsigned char>(c) >= ' ')
      safe += c;
  return "'" + safe + "'";
}

void append_row(std::string& csv, const std::vector<double>& values) {
  const char* comma = "";
  for (const double value : values) {
    csv += comma;
    if (std::isnan(value))
      csv += "nan";
    else
      fmt::format_to(std::back_inserter(csv), "{:.6g}", value);
    comma = ",";
  }
  csv += '\n';
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

Figure space_and_time(const Snapshots& set) {
  const Frame2D frame = frame_of(set, 1200);
  const std::int64_t nx = frame.pixels[0], frames = set.frames();
  const double x0 = frame.low[0], x1 = frame.high[0], dx = (x1 - x0) / static_cast<double>(nx);
  const double t0 = set.time(0), t1 = set.time(frames - 1);
  const double dt = frames > 1 ? (t1 - t0) / static_cast<double>(frames - 1) : 1;

  Figure figure{.width = 1100, .height = 420};
  std::vector<std::vector<double>> rows;
  Range range;
  for (std::int64_t k = 0; k < frames; ++k) {
    rows.push_back(rasterize(set, k, 0, frame).values);
    range.take(rows.back());
    for (std::int64_t i = 0; i < nx; ++i)
      append_row(figure.data, {x0 + (static_cast<double>(i) + 0.5) * dx, t0 + static_cast<double>(k) * dt,
                               rows.back()[static_cast<std::size_t>(i)]});
  }
  figure.data += "\n\n";
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.5, 0.75, 1});
  for (std::int64_t i = 0; i < nx; ++i) {
    std::vector<double> row{x0 + (static_cast<double>(i) + 0.5) * dx};
    for (const std::int64_t k : shown)
      row.push_back(rows[static_cast<std::size_t>(k)][static_cast<std::size_t>(i)]);
    append_row(figure.data, row);
  }

  std::string curves;
  for (std::size_t c = 0; c < shown.size(); ++c)
    curves += fmt::format("{}data index 1 using 1:{} with lines lw 1.5 title 't = {:.4g}'",
                          c ? ", \\\n     " : "", c + 2, set.time(shown[c]));
  figure.script =
      fmt::format("{}set tics nomirror out\nset multiplot layout 1,2\n", palette) +
      fmt::format("set title {} noenhanced\nset xlabel 'x'; set ylabel 't'; unset key\n",
                  quoted(title_of(set))) +
      (range.least > 0 && range.most > 10 * range.least ? "set logscale cb\n" : "") +
      fmt::format("set xrange [{}:{}]; set yrange [{}:{}]\n", x0, x1, t0 - dt / 2, t1 + dt / 2) +
      "plot data index 0 using 1:2:3 with image\n" +
      fmt::format("set title 'profiles'; set ylabel {} noenhanced; set yrange [*:*]\n", quoted(set.fields[0])) +
      fmt::format("set key top left; set grid lc rgb '#dddddd'\nplot {}\nunset multiplot\n", curves);
  return figure;
}

Figure frames_with_levels(const Snapshots& set) {
  const Frame2D frame = frame_of(set, 400);
  const auto [nx, ny] = frame.pixels;
  const double x0 = frame.low[0], x1 = frame.high[0], dx = (x1 - x0) / static_cast<double>(nx);
  const double y0 = frame.low[1], y1 = frame.high[1], dy = (y1 - y0) / static_cast<double>(ny);
  const std::vector<std::int64_t> shown = frames_at(set, {0, 0.25, 0.6, 1});

  Figure figure{.width = static_cast<int>(90 + 330 * shown.size()), .height = 400};
  Range range;
  std::vector<Raster> rasters;
  for (const std::int64_t k : shown) {
    rasters.push_back(rasterize(set, k, 0, frame));
    range.take(rasters.back().values);
  }
  for (std::int64_t j = 0; j < ny; ++j)
    for (std::int64_t i = 0; i < nx; ++i) {
      std::vector<double> row{x0 + (static_cast<double>(i) + 0.5) * dx,
                              y0 + (static_cast<double>(j) + 0.5) * dy};
      for (const Raster& raster : rasters) row.push_back(raster.values[static_cast<std::size_t>(j * nx + i)]);
      append_row(figure.data, row);
    }
  std::string plots;
  int block = 0;
  for (std::size_t c = 0; c < shown.size(); ++c) {
    plots += fmt::format("set title 't = {:.4g}'{}\nplot data index 0 using 1:2:{} with image",
                         set.time(shown[c]), c + 1 == shown.size() ? "; set colorbox" : "", c + 3);
    if (const auto borders = level_borders(rasters[c]); !borders.empty()) {
      figure.data += "\n";
      for (const auto& line : borders)
        figure.data += fmt::format("\n{:.6g},{:.6g}\n{:.6g},{:.6g}\n", line[0], line[1], line[2], line[3]);
      plots += fmt::format(", \\\n     data index {} using 1:2 with lines lw 0.6 lc rgb '#ffffff'", ++block);
    }
    plots += '\n';
  }
  if (!(range.most > range.least)) range.most = range.least + 1;
  figure.script =
      fmt::format("{}set tics nomirror out; unset key; unset colorbox\n", palette) +
      fmt::format("set size ratio {}\nset xrange [{}:{}]; set yrange [{}:{}]; set cbrange [{}:{}]\n",
                  (y1 - y0) / (x1 - x0), x0, x1, y0, y1, range.least, range.most) +
      fmt::format(
          "set multiplot layout 1,{} title {} noenhanced margins screen 0.04,0.93,0.11,0.86 spacing screen "
          "0.035\n",
          shown.size(), quoted(title_of(set))) +
      plots + "unset multiplot\n";
  return figure;
}

}  // namespace

bool draw_snapshots(const Snapshots& set, const std::filesystem::path& svg) {
  if (set.dims() > 2) throw InputError("there is no picture of three dimensions");
  Figure figure = set.dims() == 1 ? space_and_time(set) : frames_with_levels(set);
  figure.path = svg;
  return draw(figure);
}

}  // namespace lowtide::app
