#include <fmt/format.h>
#include <lowtide/run/progress.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace lowtide {

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-:--";
  const auto s = static_cast<std::int64_t>(std::min(seconds, 1e9));
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)), total_(total), terminal_(isatty(STDERR_FILENO) == 1) {
  const char* kind = std::getenv("TERM");
  if (kind && std::string_view(kind) == "dumb") terminal_ = false;
}

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
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (terminal_) return !shown_ || part >= 1 || since >= 0.1;
  if (!shown_) return std::chrono::duration<double>(now - start_).count() >= patience_;
  return part >= 1 || since >= 10;
}

void Progress::show(double part, const std::string& note, double elapsed) {
  const double before = total_ > 0 ? static_cast<double>(before_) / static_cast<double>(total_) : before_part_,
               now = part - before;
  std::string text =
      fmt::format("{} left  {}", now > 0 ? clock_text(elapsed * (1 - part) / now) : clock_text(-1), note);
  if (total_ > 0) {
    const auto done = static_cast<std::int64_t>(std::lround(part * static_cast<double>(total_)));
    text = fmt::format("{}/{}  {:.0f}/s  {}", done, total_,
                       elapsed > 0 ? static_cast<double>(done - before_) / elapsed : 0, text);
  }
  if (terminal_) {
    winsize window{};
    const int columns =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
    const int width = std::clamp(columns - static_cast<int>(label_.size() + text.size()) - 5, 0, 30);
    const int filled = static_cast<int>(part * width);
    const std::string bar = width > 3 ? fmt::format(" [{:=<{}}{: <{}}]", "", filled, "", width - filled) : "";
    const std::string line = fmt::format("{}{} {}", label_, bar, text);
    fmt::print(stderr, "\r\x1b[K{}", line.substr(0, static_cast<std::size_t>(columns - 1)));  // never wraps
    std::fflush(stderr);
  } else {
    fmt::print(stderr, "{} {:.0f} %  {}\n", label_, 100 * part, text);
  }
}

}  // namespace lowtide
