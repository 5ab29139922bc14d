// A progress bar with rate and time left on a terminal; plain lines elsewhere, few of them, and none for work
// that is done in two seconds.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace lowtide {

class Progress {
 public:
  Progress(std::string label, std::int64_t total);
  explicit Progress(std::string label) : Progress(std::move(label), 0) {}  // of something that is not counted
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of the total; `note` is shown behind the bar ("loss 1.2e-3").
  void update(std::int64_t done, const std::string& note = {});
  void update_part(double part, const std::string& note = {});  // of the whole: 0 to 1
  void at_once() { patience_ = 0; }
  void begin_at(std::int64_t done) { before_ = done; }  // rate and time left do not count what was done before
  void uncounted(double before) { total_ = 0, before_part_ = before; }  // from now on only parts are told
  bool due(double part) const;  // whether an update would be shown now; spares making a note in vain

 private:
  using Clock = std::chrono::steady_clock;
  void show(double part, const std::string& note, double elapsed);

  std::string label_;
  std::int64_t total_, before_ = 0;
  double before_part_ = 0;
  bool terminal_;
  bool shown_ = false;
  double patience_ = 2;  // seconds without a line, off a terminal
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

// "1:05", "2:03:20"
std::string clock_text(double seconds);

}  // namespace lowtide
