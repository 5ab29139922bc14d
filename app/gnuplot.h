// What the figures share: colours, text and rows of numbers for gnuplot.
#pragma once
#include <string>
#include <vector>

namespace lowtide::app {

// Viridis, which stays readable in grey and for most kinds of colour blindness.
extern const char* const palette;

// Dark enough for white paper, and told apart by most kinds of colour blindness.
inline constexpr const char* line_colours[] = {"#332288", "#117733", "#0077bb", "#cc3311", "#882255"};

// In a gnuplot string between single quotes, without its markup.
std::string quoted(const std::string& text);

void append_row(std::string& csv, const std::vector<double>& values);

}  // namespace lowtide::app
