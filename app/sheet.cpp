#include "sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "gnuplot.h"

namespace lowtide::app {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i)
    out += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return out;
}

double nice_step(double x) {
  const double power = std::pow(10, std::floor(std::log10(x)));
  for (const double step : {1.0, 2.0, 5.0})
    if (step * power >= x) return step * power;
  return 10 * power;
}

std::string subscript(std::int64_t number) {
  std::string out;
  for (const char digit : fmt::format("{}", number))
    out += std::string("\u2080").substr(0, 2) + static_cast<char>(0x80 + digit - '0');
  return out;
}

std::string Sheet::block(std::string rows) {
  if (blocks > 0) figure.data += "\n\n";
  figure.data += rows.empty() ? "nan,nan\n" : rows;
  return fmt::format("data index {}", blocks++);
}

std::string Sheet::image(const std::vector<double>& values, const Lattice& lattice, double precision) {
  const int decimals =
      precision > 0 ? std::max(0, static_cast<int>(std::ceil(-std::log10(precision) - 0.3))) : 3;
  std::string rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool end = (static_cast<std::int64_t>(i) + 1) % lattice.n[0] == 0;
    std::string number = std::isnan(values[i]) ? "nan" : fmt::format("{:.{}f}", values[i], decimals);
    if (number.find('.') != std::string::npos) {
      number.erase(number.find_last_not_of('0') + 1);
      if (number.back() == '.') number.pop_back();
      if (number == "-0") number = "0";
    }
    rows += number + (end ? '\n' : ',');
  }
  return fmt::format("{} matrix using ({:.6g}+$1*{:.6g}):({:.6g}+$2*{:.6g}):3 with image", block(rows),
                     lattice.first[0], lattice.step(0), lattice.first[1], lattice.step(1));
}

std::string Sheet::lines(const std::vector<double>& values, const Lattice& lattice,
                         const std::vector<double>& levels) {
  std::string rows;
  const double tolerance =
      2e-3 * std::max(lattice.last[0] - lattice.first[0], lattice.last[1] - lattice.first[1]);
  for (const double level : levels)
    for (const Line& line : contours(values, lattice, level)) {
      const Line few = simplified(line, tolerance / 3);
      if (!rows.empty()) rows += '\n';
      for (const auto& [x, y] : few) fmt::format_to(std::back_inserter(rows), "{:.4g},{:.4g}\n", x, y);
    }
  return block(rows) + " using 1:2";
}

std::string Sheet::curves(const Lattice& lattice, const std::vector<std::vector<double>>& curves) {
  std::vector<bool> kept(static_cast<std::size_t>(lattice.size()));
  double least = INFINITY, most = -INFINITY;
  for (const auto& curve : curves)
    for (const double u : curve) least = std::min(least, u), most = std::max(most, u);
  const double range = most > least ? most - least : 1;
  for (const auto& curve : curves) {
    Line line;  // in a square of size 1, as a panel shows it
    for (std::size_t i = 0; i < kept.size(); ++i)
      line.push_back({static_cast<double>(i) / static_cast<double>(kept.size() - 1), curve[i] / range});
    const std::vector<bool> own = needed(line, 1.2e-3);
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = kept[i] || own[i];
  }
  std::string rows;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    fmt::format_to(std::back_inserter(rows), "{:.6g}", lattice.place(0, static_cast<std::int64_t>(i)));
    for (const auto& curve : curves) fmt::format_to(std::back_inserter(rows), ",{:.5g}", curve[i]);
    rows += '\n';
  }
  return block(rows);
}

void Sheet::panels(int rows, int columns, Room room, const std::vector<Entry>& legend) {
  struct Place {
    double x = 0;
    int line = 0;
  };
  std::vector<Place> places;
  Place at{.x = room.left};
  for (const Entry& entry : legend) {
    const auto letters =
        std::count_if(entry.name.begin(), entry.name.end(), [](char c) { return (c & 0xC0) != 0x80; });
    const double needs = 62 + 8.2 * static_cast<double>(letters);  // letters are about 8 pixels wide
    if (at.x + needs > figure.width + 20 && at.x > room.left) at = {room.left, at.line + 1};
    places.push_back(at);
    at.x += needs;
  }
  figure.height += 20 * at.line;
  const double w = figure.width, h = figure.height;
  add(fmt::format(
      "set tics nomirror out scale 0.5; set xtics offset 0,0.4; set ytics offset 0.5,0; unset mytics\n"
      "set grid lc rgb '#dddddd'; unset key\n"
      "set multiplot layout {},{} margins screen {:.4f},{:.4f},{:.4f},{:.4f} spacing screen {:.4f},{:.4f}\n",
      rows, columns, room.left / w, 1 - room.right / w, room.bottom / h, 1 - (room.top + 20 * at.line) / h,
      room.across / w, room.down / h));
  for (std::size_t e = 0; e < legend.size(); ++e) {
    const double x = places[e].x, y = 1 - (14 + 20 * places[e].line) / h;
    const int tag = 900 + ++legends;
    add(fmt::format(
        "set arrow {} from screen {:.4f},{:.4f} to screen {:.4f},{:.4f} nohead lw {} lc rgb '{}'{}\n", tag,
        x / w, y, (x + 30) / w, y, legend[e].width, legend[e].colour, legend[e].dashed ? " dt '-'" : ""));
    add(fmt::format("set label {} {} at screen {:.4f},{:.4f} left noenhanced\n", tag, quoted(legend[e].name),
                    (x + 36) / w, y));
  }
}

void Sheet::x_label(const std::string& name) {
  add(fmt::format("set xlabel {} offset 0,0.9 noenhanced\n", quoted(name)));
}
void Sheet::y_label(const std::string& name) {
  add(fmt::format("set ylabel {} offset 1.2,0 noenhanced\n", quoted(name)));
}

void Sheet::ranges(const Lattice& shown) {
  add(fmt::format("set xrange [{:.6g}:{:.6g}]; set yrange [{:.6g}:{:.6g}]; set size ratio -1\n", shown.first[0],
                  shown.last[0], shown.first[1], shown.last[1]));
}

void Sheet::panel(const std::string& title, const std::string& plot) {
  add(fmt::format("set title {} noenhanced offset 0,-0.5\nplot {}\n", quoted(title), plot));
  for (; legends > 0; --legends) add(fmt::format("unset arrow {0}; unset label {0}\n", 900 + legends));
}

bool Sheet::finish(const std::filesystem::path& svg) {
  add("unset multiplot\n");
  figure.path = svg;
  return draw(figure);
}

}  // namespace lowtide::app
