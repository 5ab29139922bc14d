// manifest.json: what a run is, where it ran and how it ended.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace lowtide {

class Manifest {
 public:
  // Of a new run, or of one that is gone on with: then what is in the file stays. Written at once.
  Manifest(std::filesystem::path path, std::uint64_t seed, bool resumed);
  ~Manifest();

  void set(const std::string& key, const std::string& value);
  void set(const std::string& key, double value);
  void set(const std::string& key, std::int64_t value);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lowtide
