// Figures as parts of a page.
#pragma once
#include <string>

#include "report.h"

namespace lowtide::app {

// The SVG, with its title and caption, and its CSV and script to save. `number` tells its ids from those of the
// page's other figures. Empty if it has not been drawn.
std::string inline_figure(const ReportFigure& figure, std::size_t number);

}  // namespace lowtide::app
