// Figures: numbers as CSV, the gnuplot script that draws them, and the SVG, side by side and of one name.
#pragma once
#include <filesystem>
#include <string>

namespace lowtide {

struct Figure {
  std::filesystem::path path{};  // of the SVG; the script and the data take its name
  int width = 900, height = 420;
  // What follows the head, which sets the terminal, the output and the variable "data": the file of the data,
  // whose blocks are told apart by two empty lines and by gnuplot's "index".
  std::string script{};
  std::string data{};
};

// Writes the files and runs gnuplot, without a shell. False if gnuplot is not installed: the script and the
// data are there then. FileError if they cannot be written or gnuplot fails.
bool draw(const Figure& figure);

}  // namespace lowtide
