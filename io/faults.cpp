#include <fmt/format.h>
#include <lowtide/io/faults.h>
#include <lowtide/io/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace lowtide::faults {
namespace {

constexpr int no_error = 0, short_write = -1;
constexpr std::pair<std::string_view, int> errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},
                                                       {"EINTR", EINTR},   {"EROFS", EROFS},
                                                       {"EDQUOT", EDQUOT}, {"SHORT", short_write}};

struct Plan {
  std::string_view kind{};             // "read", "write", "checkpoint"; empty for none
  std::int64_t number = 0;             // of the call or the checkpoint
  int error = no_error;                // of the call
  std::optional<std::size_t> bytes{};  // after which the process ends
  std::string place{};                 // at which it ends
};

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number < 0) return {};
  return number;
}

Plan parsed(const std::string& text) {
  if (text.empty()) return {};
  const auto wrong = [&] {
    bad_input("LOWTIDE_FAULT", "", fmt::format("'{}' is no fault (see io/faults.h)", text));
  };
  const std::size_t first = text.find(':'), second = text.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) wrong();
  const std::string_view all = text, what = all.substr(second + 1);
  Plan plan;
  for (const std::string_view kind : {"read", "write", "checkpoint"})
    if (all.substr(0, first) == kind) plan.kind = kind;
  const auto number = number_in(all.substr(first + 1, second - first - 1));
  if (plan.kind.empty() || !number) wrong();
  plan.number = *number;
  if (plan.kind == "checkpoint") {
    if (const auto bytes = number_in(what))
      plan.bytes = static_cast<std::size_t>(*bytes);
    else
      plan.place = what;
    return plan;
  }
  for (const auto& [name, error] : errors)
    if (what == name) plan.error = error;
  if (plan.error == no_error) wrong();
  return plan;
}

Plan& planned() {
  static Plan plan = parsed(std::getenv("LOWTIDE_FAULT") ? std::getenv("LOWTIDE_FAULT") : "");
  return plan;
}

std::atomic<std::int64_t> made[2] = {0, 0}, checkpoints = 0;
std::atomic<std::size_t> written = 0;  // of the checkpoint that shall not be finished
std::atomic<bool> doomed = false, halved = false;

// Files that have something which is not on the disk yet.
struct Unsafe {
  dev_t device;
  ino_t inode;
  int file;
  off_t safe;  // bytes
};
std::vector<Unsafe> unsafe;

std::vector<Unsafe>::iterator find(const struct stat& status) {
  return std::find_if(unsafe.begin(), unsafe.end(), [&](const Unsafe& one) {
    return one.device == status.st_dev && one.inode == status.st_ino;
  });
}

[[noreturn]] void die() {
  for (const Unsafe& one : unsafe)
    if (::ftruncate(one.file, one.safe) != 0) std::abort();
  ::raise(SIGKILL);
  std::abort();
}

}  // namespace

void plan(const std::string& text) {
  planned() = parsed(text);
  made[0] = made[1] = checkpoints = 0;
  doomed = halved = false;
}

std::int64_t calls(Call call) { return made[static_cast<int>(call)]; }

bool fails(Call call) {
  const Plan& plan = planned();
  if (plan.kind != (call == Call::read ? "read" : "write")) return false;
  if (++made[static_cast<int>(call)] != plan.number) return false;
  if (plan.error == short_write) {
    halved = true;
    return false;
  }
  errno = plan.error;
  return true;
}

std::size_t at_most(std::size_t bytes) {
  if (halved.exchange(false)) return std::max<std::size_t>(bytes / 2, 1);
  if (doomed && planned().bytes) return std::min(bytes, *planned().bytes - written);
  return bytes;
}

void wrote(int file, std::size_t bytes) {
  if (planned().kind != "checkpoint") return;
  struct stat status {};
  if (::fstat(file, &status) == 0 && find(status) == unsafe.end())
    unsafe.push_back({status.st_dev, status.st_ino, ::dup(file), status.st_size - static_cast<off_t>(bytes)});
  if (!doomed || !planned().bytes) return;
  written += bytes;
  if (written >= *planned().bytes) die();
}

void flushed(int file) {
  struct stat status {};
  if (unsafe.empty() || ::fstat(file, &status) != 0) return;
  if (const auto one = find(status); one != unsafe.end()) {
    ::close(one->file);
    unsafe.erase(one);
  }
}

void at(const char* place) {
  if (doomed && planned().place == place) die();
}

Checkpoint::Checkpoint() {
  if (planned().kind != "checkpoint" || ++checkpoints != planned().number) return;
  written = 0;
  doomed = true;
}

Checkpoint::~Checkpoint() { doomed = false; }

}  // namespace lowtide::faults
