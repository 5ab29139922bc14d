#include <fmt/format.h>
#include <lowtide/run/progress.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace lowtide {

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-:--";
  const auto s = static_cast<std::int64_t>(std::min(seconds, 1e9));
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)),
      total_(std::max<std::int64_t>(total, 1)),
      terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (terminal_ && shown_) std::fputc('\n', stderr);
}

void Progress::update(std::int64_t done, const std::string& note) {
  done_ = std::clamp<std::int64_t>(done, 0, total_);
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (shown_ && done_ < total_ && since < (terminal_ ? 0.1 : 10.0)) return;
  last_ = now;
  shown_ = true;
  show(note, std::chrono::duration<double>(now - start_).count());
}

void Progress::show(const std::string& note, double elapsed) {
  const double part = static_cast<double>(done_) / static_cast<double>(total_);
  const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
  const std::string left = done_ > 0 ? clock_text(elapsed * (1 - part) / part) : clock_text(-1);
  const std::string text = fmt::format("{}/{}  {:.0f}/s  {} left  {}", done_, total_, rate, left, note);
  if (terminal_) {
    constexpr int width = 30;
    const int filled = static_cast<int>(part * width);
    fmt::print(stderr, "\r\x1b[K{} [{:=<{}}{: <{}}] {}", label_, "", filled, "", width - filled, text);
    std::fflush(stderr);
  } else {
    fmt::print(stderr, "{} {:.0f} %  {}\n", label_, 100 * part, text);
  }
}

}  // namespace lowtide
