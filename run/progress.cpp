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
    : label_(std::move(label)), total_(total), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (terminal_ && shown_) std::fputc('\n', stderr);
}

void Progress::update(std::int64_t done, const std::string& note) {
  done = std::clamp<std::int64_t>(done, 0, total_);
  update_part(static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(total_, 1)), note);
}

void Progress::update_part(double part, const std::string& note) {
  if (!due(part)) return;
  last_ = Clock::now();
  shown_ = true;
  show(std::clamp(part, 0.0, 1.0), note, std::chrono::duration<double>(last_ - start_).count());
}

bool Progress::due(double part) const {
  const double since = std::chrono::duration<double>(Clock::now() - last_).count();
  return !shown_ || part >= 1 || since >= (terminal_ ? 0.1 : 10.0);
}

void Progress::show(double part, const std::string& note, double elapsed) {
  std::string text =
      fmt::format("{} left  {}", part > 0 ? clock_text(elapsed * (1 - part) / part) : clock_text(-1), note);
  if (total_ > 0) {
    const auto done = static_cast<std::int64_t>(std::lround(part * static_cast<double>(total_)));
    text = fmt::format("{}/{}  {:.0f}/s  {}", done, total_,
                       elapsed > 0 ? static_cast<double>(done) / elapsed : 0, text);
  }
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
