// Files as the rest of the program sees them: read whole, written so that a crash leaves the old
// file or the new one, never half of one.
#pragma once
#include <lowtide/linalg/error.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lowtide {

struct InputError : Error {  // a file or a setting that cannot be what it should be: exit code 2
  using Error::Error;
};
struct FileError : Error {  // the file system refuses: exit code 4
  using Error::Error;
};

// What is wrong with `file`, and where in it ("17" for a line, "byte 80", "/u"; may be empty):
// "fort.q0001:17: expected a number, found '****'".
[[noreturn]] void bad_input(const std::string& file, const std::string& place, const std::string& what);

// The whole file. InputError if there is none, or it is not a regular file; FileError if it cannot be read.
std::string read_file(const std::filesystem::path& path);

void write_file(const std::filesystem::path& path, std::string_view bytes);
void write_file(const std::filesystem::path& path,
                std::span<const std::string_view> pieces);  // one behind another

void make_folder(const std::filesystem::path& path);  // and those above it; nothing if it is there

// A file under a temporary name beside its place; commit() puts it there: flush to disk, rename, flush
// the folder. Without commit it is removed; what a killed process leaves, the next that writes there removes.
// Only regular files are replaced; a link stays, and what it leads to is replaced.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }  // write and close this one
  void commit();

 private:
  friend void write_file(const std::filesystem::path& path, std::span<const std::string_view> pieces);
  void put_in_place();  // when it has been flushed

  std::filesystem::path path_, temporary_;
};

// A file that grows at its end, such as a log. What is appended is safe after flush().
class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();

  void append(std::string_view bytes);
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lowtide
