#include <fmt/format.h>
#include <lowtide/run/metrics.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

namespace lowtide {
namespace {

constexpr std::string_view line_start = "{\"step\": ";

// Where the lines of steps before `step` end.
std::size_t end_of_lines(std::string_view text, std::int64_t step) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    const std::string_view line = text.substr(at, end == std::string_view::npos ? end : end - at);
    std::int64_t of = -1;
    if (end == std::string_view::npos || !line.starts_with(line_start) || !line.ends_with('}')) break;
    std::from_chars(line.data() + line_start.size(), line.data() + line.size(), of);
    if (of < 0 || of >= step) break;
    at = end + 1;
  }
  return at;
}

}  // namespace

Metrics::~Metrics() {
  try {
    write();
  } catch (const std::exception&) {  // the loop has its own error, or there is nobody left to tell
  }
}

void Metrics::cut(std::int64_t step) {
  std::error_code none;
  if (!std::filesystem::exists(path_, none)) return;
  const std::string text = read_file(path_);
  const std::size_t end = end_of_lines(text, step);
  if (end < text.size()) write_file(path_, std::string_view(text).substr(0, end));
}

void Metrics::log(std::int64_t step, const std::vector<std::pair<std::string, double>>& numbers,
                  double seconds) {
  lines_ += fmt::format("{}{}", line_start, step);
  const auto add = [&](const std::string& name, double value) {
    lines_ += fmt::format(", {}: ", nlohmann::json(name).dump());
    lines_ += std::isfinite(value) ? fmt::format("{}", value) : "null";
  };
  for (const auto& [name, value] : numbers) add(name, value);
  add("seconds", std::round(seconds * 1e3) / 1e3);
  lines_ += "}\n";
  if (Clock::now() - written_ > std::chrono::seconds(1)) write();
}

void Metrics::write() {
  written_ = Clock::now();
  if (lines_.empty()) return;
  const std::string lines = std::exchange(lines_, {});  // never written twice, even if half of it was
  if (!file_) file_.emplace(path_);
  file_->append(lines);
}

void Metrics::flush() {
  write();
  if (file_) file_->flush();
}

}  // namespace lowtide
