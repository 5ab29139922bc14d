// Pictures as parts of a page.
#pragma once
#include <string>

namespace lowtide::app {

// gnuplot's SVG without its head, as wide as the column, its ids with `prefix` in front. InputError if it
// contains what could run.
std::string inline_svg(const std::string& svg, const std::string& prefix, const std::string& label);

}  // namespace lowtide::app
