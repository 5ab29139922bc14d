// Rows of the paper's tables, to set beside our own.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lowtide::app {

struct PaperRow {  // LRNR, tables 1 and 2
  std::int64_t width = 0, rank = 0;
  std::vector<std::int64_t> weights{}, biases{};  // truncated ranks, a layer each
  std::int64_t hypermodes = 0;
};
std::optional<PaperRow> paper_row(const std::string& case_name);

std::string listed(const std::vector<std::int64_t>& numbers);  // "38 28 94"

}  // namespace lowtide::app
