#include "gnuplot.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace lowtide::app {

const char* const palette =
    "set palette defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', "
    "6 '#5ec962', 7 '#addc30', 8 '#fde725')\n";

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

}  // namespace lowtide::app
