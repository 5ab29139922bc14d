#include "paper.h"

#include <fmt/format.h>

namespace lowtide::app {

std::optional<PaperRow> paper_row(const std::string& name) {
  if (name == "euler1d") return PaperRow{1200, 150, {38, 28, 94, 147, 35}, {71, 58, 76, 67, 113}, 5};
  if (name == "acoustics2d") return PaperRow{2000, 190, {64, 125, 116, 14}, {63, 85, 74, 3}, 23};
  if (name == "burgers2d") return PaperRow{2000, 170, {14, 32, 113, 4}, {11, 14, 16, 7}, 38};
  if (name == "advection2d") return PaperRow{2000, 180, {85, 160, 158, 5}, {29, 37, 20, 9}, 26};
  return std::nullopt;
}

std::string listed(const std::vector<std::int64_t>& numbers) {
  return fmt::format("{}", fmt::join(numbers, " "));
}

}  // namespace lowtide::app
