// A progress bar with rate and time left on a terminal; plain lines, few of them, elsewhere.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace lowtide {

class Progress {
 public:
  Progress(std::string label, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of the total; `note` is shown behind the bar ("loss 1.2e-3").
  void update(std::int64_t done, const std::string& note = {});

 private:
  using Clock = std::chrono::steady_clock;
  void show(const std::string& note, double elapsed);

  std::string label_;
  std::int64_t total_, done_ = 0;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

// "1:05", "2:03:20"
std::string clock_text(double seconds);

}  // namespace lowtide
