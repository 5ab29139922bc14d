// Contour lines, by marching squares.
#pragma once
#include <vector>

#include "lattice.h"

namespace lowtide::app {

using Line = std::vector<std::array<double, 2>>;

// Where the values, linear along the edges of the lattice, equal `level`: lines as long as they go, closed ones
// with their first point once more at the end. Squares with a NaN have none.
std::vector<Line> contours(const std::vector<double>& values, const Lattice& lattice, double level);

// Without the points that lie closer than `tolerance` to the line through those that stay (Douglas and Peucker
// 1973).
Line simplified(const Line& line, double tolerance);
std::vector<bool> needed(const Line& line, double tolerance);  // which points stay

// About `count` levels between the least and the most of the values, each where few of the values lie nearby: a
// level within a plateau would draw its noise.
std::vector<double> levels_between(const std::vector<double>& values, int count);

}  // namespace lowtide::app
