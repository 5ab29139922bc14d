// The lines that a run logs: metrics.jsonl, one JSON object a line.
#pragma once
#include <lowtide/io/file.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lowtide {

class Metrics {
 public:
  explicit Metrics(std::filesystem::path path) : path_(std::move(path)) {}
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Keeps the lines of steps before `step`: what stands behind them will be logged again.
  void cut(std::int64_t step);

  // {"step": 3, "loss": 0.5, "seconds": 1.25}; what is not finite becomes null. Reaches the file within a
  // second or so, if there is more to log.
  void log(std::int64_t step, const std::vector<std::pair<std::string, double>>& numbers, double seconds);
  void flush();  // to the disk

 private:
  using Clock = std::chrono::steady_clock;
  void write();

  std::filesystem::path path_;
  std::optional<AppendFile> file_{};
  std::string lines_{};
  Clock::time_point written_ = Clock::now();
};

}  // namespace lowtide
