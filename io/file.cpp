#include <fcntl.h>
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

namespace lowtide {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void refused(const char* what, const fs::path& path) {
  throw FileError(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

class Descriptor {
 public:
  Descriptor(const char* what, const fs::path& path, int flags) : what_(what), path_(path) {
    do fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    while (fd_ < 0 && errno == EINTR);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool open() const { return fd_ >= 0; }
  int operator*() const { return fd_; }
  void flush() {  // what a failed flush has lost is unknown: it is never tried again
    if (::fsync(fd_) != 0) refused(what_, path_);
  }
  void close() {
    if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) refused(what_, path_);
  }

 private:
  const char* what_;
  const fs::path& path_;
  int fd_;
};

}  // namespace

void bad_input(const std::string& file, const std::string& place, const std::string& what) {
  throw InputError(place.empty() ? fmt::format("{}: {}", file, what)
                                 : fmt::format("{}:{}: {}", file, place, what));
}

std::string read_file(const fs::path& path) {
  const Descriptor file("read", path, O_RDONLY | O_NONBLOCK);  // a pipe nobody writes to must not block
  if (!file.open()) {
    if (errno == ENOENT || errno == ENOTDIR) bad_input(path.string(), "", "there is no such file");
    refused("read", path);
  }
  struct stat status;
  if (::fstat(*file, &status) != 0) refused("read", path);
  if (!S_ISREG(status.st_mode)) bad_input(path.string(), "", "not a regular file");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ::ssize_t got = ::read(*file, bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refused("read", path);
    if (got == 0) break;  // somebody cut it meanwhile
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile target(path);
  Descriptor file("write", target.temporary(), O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.open()) refused("write", path);
  while (!bytes.empty()) {
    const ::ssize_t put = ::write(*file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) refused("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  file.close();
  target.commit();
}

namespace {

// Removes what killed processes have left of this file.
void remove_leftovers(const fs::path& path) {
  const std::string start = path.filename().string() + ".tmp.";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path.has_parent_path() ? path.parent_path() : ".", ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(start)) continue;
    pid_t writer = 0;
    const auto [end, error] = std::from_chars(name.data() + start.size(), name.data() + name.size(), writer);
    if (error == std::errc() && *end == '\0' && writer > 0 && ::kill(writer, 0) != 0 && errno == ESRCH)
      fs::remove(entry.path(), ignored);
  }
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  std::error_code failed;
  if (fs::is_symlink(path_, failed)) path_ = fs::weakly_canonical(path_, failed);  // the link stays
  if (fs::exists(path_, failed) && !fs::is_regular_file(path_, failed))
    throw FileError(fmt::format("cannot write {}: not a regular file", path_.string()));
  remove_leftovers(path_);
  temporary_ = path_.string() + fmt::format(".tmp.{}", ::getpid());
}

AtomicFile::~AtomicFile() {
  if (temporary_.empty()) return;
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  {
    Descriptor file("write", temporary_, O_RDONLY);
    if (!file.open()) refused("write", path_);
    file.flush();
    file.close();
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refused("write", path_);
  temporary_.clear();
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  Descriptor directory("write", folder, O_RDONLY | O_DIRECTORY);
  if (directory.open()) directory.flush();
}

}  // namespace lowtide
