// HDF5 files: plain datasets and attributes of the root group, nothing else. The only door to libhdf5.
//
// That library has errors that a damaged file meets, so files are parsed in a child process with limits
// on time and memory (io/apart.h), without plugins; what is not a plain dataset of numbers stored in the
// file itself (soft and external links, virtual datasets, external storage, foreign filters) is refused.
// Even so, a file from a stranger is best read where there is nothing to steal.
#pragma once
#include <lowtide/io/array.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lowtide::hdf5 {

enum class Kind : std::uint8_t { numbers, integers, strings };

// Something that a reader can use: "/x" names a dataset, "law" an attribute.
struct Wanted {
  std::string name;
  Kind kind;
};

struct Value : Array {               // numbers are f64
  std::vector<std::string> strings;  // of Kind::strings, row-major
};

// What there is of `wanted`, converted to its kind. InputError if the file is damaged, or holds something
// else under one of these names. All of it may take 64 MiB + 100 times the size of the file.
std::map<std::string, Value> read(const std::filesystem::path& path, std::span<const Wanted> wanted);

// A file in the making. It grows in memory, where no full disk meets libhdf5, and is then written whole.
// The same calls give the same bytes.
class Writer {
 public:
  explicit Writer(std::uint64_t expected_bytes);  // roughly, of all datasets
  ~Writer();

  void dataset(const std::string& name, const Tensor& values);
  void dataset(const std::string& name, const std::vector<std::int64_t>& values);
  void dataset(const std::string& name, const std::vector<std::int32_t>& values);
  void dataset(const std::string& name, const std::vector<std::uint8_t>& values);

  void attribute(const std::string& name, std::int64_t value);
  void attribute(const std::string& name, const std::string& value);
  void attribute(const std::string& name, const std::vector<double>& values);
  void attribute(const std::string& name, const std::vector<std::int64_t>& values);
  // Of the shape (rows) or (rows, columns).
  void attribute(const std::string& name, const std::vector<std::string>& values, std::int64_t columns = 0);

  void write(const std::filesystem::path& path);  // FileError if it cannot be; then the old file remains

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lowtide::hdf5
