#include <fcntl.h>
#include <fmt/format.h>
#include <lowtide/io/faults.h>
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

using faults::Call;

namespace {

[[noreturn]] void refused(Call call, const fs::path& path) {
  throw FileError(fmt::format("cannot {} {}: {}", call == Call::read ? "read" : "write", path.string(),
                              std::strerror(errno)));
}

class Descriptor {
 public:
  // `call`: what it is opened for, for messages and for faults planned by tests.
  Descriptor(Call call, const fs::path& path, int flags) : call_(call), path_(path) {
    do fd_ = faults::fails(call) ? -1 : ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    while (fd_ < 0 && errno == EINTR);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool open() const { return fd_ >= 0; }
  int operator*() const { return fd_; }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ::ssize_t put =
          faults::fails(call_) ? -1 : ::write(fd_, bytes.data(), faults::at_most(bytes.size()));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) refused(call_, path_);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      faults::wrote(fd_, static_cast<std::size_t>(put));
    }
  }
  void flush() {  // what a failed flush has lost is unknown: it is never tried again
    if (faults::fails(call_) || ::fsync(fd_) != 0) refused(call_, path_);
    faults::flushed(fd_);
  }
  void close() {
    const bool failed = ::close(std::exchange(fd_, -1)) != 0;
    if ((faults::fails(call_) || failed) && errno != EINTR) refused(call_, path_);
  }

 private:
  Call call_;
  fs::path path_;
  int fd_;
};

void flush_folder_of(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  Descriptor directory(Call::write, folder, O_RDONLY | O_DIRECTORY);
  if (!directory.open()) refused(Call::write, folder);
  directory.flush();
}

}  // namespace

void bad_input(const std::string& file, const std::string& place, const std::string& what) {
  throw InputError(place.empty() ? fmt::format("{}: {}", file, what)
                                 : fmt::format("{}:{}: {}", file, place, what));
}

std::string read_file(const fs::path& path) {
  const Descriptor file(Call::read, path, O_RDONLY | O_NONBLOCK);  // a pipe nobody writes to must not block
  if (!file.open()) {
    if (errno == ENOENT || errno == ENOTDIR) bad_input(path.string(), "", "there is no such file");
    refused(Call::read, path);
  }
  struct stat status;
  if (::fstat(*file, &status) != 0) refused(Call::read, path);
  if (!S_ISREG(status.st_mode)) bad_input(path.string(), "", "not a regular file");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ::ssize_t got =
        faults::fails(Call::read) ? -1 : ::read(*file, bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refused(Call::read, path);
    if (got == 0) break;  // somebody cut it meanwhile
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

void write_file(const fs::path& path, std::string_view bytes) { write_file(path, std::span(&bytes, 1)); }

void write_file(const fs::path& path, std::span<const std::string_view> pieces) {
  AtomicFile target(path);
  Descriptor file(Call::write, target.temporary(), O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.open()) refused(Call::write, path);
  for (const std::string_view bytes : pieces) file.write(bytes);
  faults::at("flush");
  file.flush();
  file.close();
  target.put_in_place();
}

void make_folder(const fs::path& path) {
  std::error_code none;
  if (path.empty() || fs::is_directory(path, none)) return;
  if (path.has_parent_path()) make_folder(path.parent_path());
  if (faults::fails(Call::write) || (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST))
    refused(Call::write, path);
  flush_folder_of(path);
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
  Descriptor file(Call::write, temporary_, O_RDONLY);
  if (!file.open()) refused(Call::write, path_);
  file.flush();
  put_in_place();
}

void AtomicFile::put_in_place() {
  faults::at("rename");
  if (faults::fails(Call::write) || ::rename(temporary_.c_str(), path_.c_str()) != 0)
    refused(Call::write, path_);
  temporary_.clear();
  faults::at("folder");
  flush_folder_of(path_);
  faults::at("end");
}

struct AppendFile::Impl {
  fs::path path;
  Descriptor file;
  bool new_name = true;  // the folder may not know it yet
};

AppendFile::AppendFile(const fs::path& path)
    : impl_(new Impl{path, Descriptor(Call::write, path, O_WRONLY | O_APPEND | O_CREAT)}) {
  if (!impl_->file.open()) refused(Call::write, path);
}

AppendFile::~AppendFile() = default;

void AppendFile::append(std::string_view bytes) { impl_->file.write(bytes); }

void AppendFile::flush() {
  impl_->file.flush();
  if (std::exchange(impl_->new_name, false)) flush_folder_of(impl_->path);
}

}  // namespace lowtide
