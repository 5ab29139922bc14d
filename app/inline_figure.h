// Figures as parts of a page.
#pragma once
#include <string>

#include "report.h"

namespace lowtide::app {

// The SVG, with its title and caption, and its CSV and script to save. `number` tells its ids from those of the
// page's other figures. Empty if it has not been drawn.
std::string inline_figure(const ReportFigure& figure, std::size_t number);

// gnuplot's SVG without its head, as wide as the column, its ids with `prefix` in front. InputError if it
// contains what could run.
std::string inline_svg(const std::string& svg, const std::string& prefix, const std::string& label);

}  // namespace lowtide::app
