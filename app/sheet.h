// A figure of several panels: blocks of numbers, and what is drawn of them.
#pragma once
#include <lowtide/run/figure.h>

#include <iterator>
#include <vector>

#include "contours.h"

namespace lowtide::app {

struct Entry {  // of a legend
  std::string name{}, colour{};
  bool dashed = false;
  double width = 2;
};

struct Sheet {
  Figure figure{};
  int blocks = 0;
  int legends = 0;  // entries that the next panel draws

  // Appends a block of rows and gives gnuplot's words for it, "data index 3". Empty ones become a NaN, since
  // gnuplot does not count blocks without rows.
  std::string block(std::string rows);
  // Values on a lattice in two dimensions, to about `precision`, as words that draw an image. To be called
  // before any block with gaps: gnuplot counts these otherwise when it looks for a matrix.
  std::string image(const std::vector<double>& values, const Lattice& lattice, double precision);
  // The contour lines of all levels as one block with gaps.
  std::string lines(const std::vector<double>& values, const Lattice& lattice,
                    const std::vector<double>& levels);

  // Curves over the places of a lattice in one dimension: x, then a column a curve. Places that no curve needs,
  // to a fraction of a pixel, are left out.
  std::string curves(const Lattice& lattice, const std::vector<std::vector<double>>& curves);

  void add(const std::string& words) { figure.script += words; }
  // Begins panels, row by row, with room in pixels around and between them, and one legend for all above them:
  // the figure grows when that needs more than a line.
  struct Room {
    double left = 70, right = 25, bottom = 50, top = 60, across = 55, down = 75;
  };
  void panels(int rows, int columns, Room room, const std::vector<Entry>& legend = {});

  void x_label(const std::string& name);  // none: ""
  void y_label(const std::string& name);
  void ranges(const Lattice& shown);  // of both axes in two dimensions, and equal units on them
  void panel(const std::string& title, const std::string& plot);  // "set title ...; plot ..."
  void next() { add("set multiplot next\n"); }                    // leaves a panel empty
  bool finish(const std::filesystem::path& svg);                  // ends the panels and draws
};

// "a, b and c".
std::string joined(const std::vector<std::string>& words);

// The least of 1, 2, 5, 10, ... that is not below x: for tics.
double nice_step(double x);

// Unicode's small digits: gnuplot's own would make an underscore in a name a subscript.
std::string subscript(std::int64_t number);

// Of run number r; told apart by most kinds of colour blindness as long as there are not many.
inline constexpr const char* run_colours[] = {"#cc3311", "#0077bb", "#117733", "#882255", "#332288",
                                              "#999933", "#009988", "#aa4499", "#663300"};
inline const char* colour_of(std::size_t run) { return run_colours[run % std::size(run_colours)]; }

// Colours of times, from early to late: viridis without its brightest end, which white paper swallows.
inline constexpr const char* time_colours[] = {"#440154", "#3b528b", "#21918c", "#4fb04f", "#c9a400"};

}  // namespace lowtide::app
