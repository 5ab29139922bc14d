#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/cpu.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/run/manifest.h>

#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "git.h"

namespace lowtide {
namespace {

using Json = nlohmann::ordered_json;

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      if (const std::size_t at = line.find(": "); at != std::string::npos) return line.substr(at + 2);
  return "unknown";
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%FT%TZ", &utc);
  return text;
}

const char* compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

}  // namespace

struct Manifest::Impl {
  std::filesystem::path path;
  Json json;

  void write() const { write_file(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"); }
};

Manifest::Manifest(std::filesystem::path path, std::uint64_t seed, bool resumed)
    : impl_(new Impl{std::move(path), Json::object()}) {
  Json& json = impl_->json;
  if (resumed) {
    json = Json::parse(read_file(impl_->path), nullptr, false);
    if (!json.is_object()) bad_input(impl_->path.string(), "", "not the manifest of a run");
  }
  if (!json.contains("seed")) json["seed"] = seed;
  if (json["seed"] != seed)
    bad_input(impl_->path.string(), "seed", fmt::format("is {}, not {}", json["seed"].dump(), seed));
  json["version"] = LOWTIDE_VERSION;
  if (*LOWTIDE_GIT) json["git"] = LOWTIDE_GIT;
  json["compiler"] = compiler();
  json["cpu"] = cpu_model();
  json["simd"] = name_of(simd_level());
  json["blas_core"] = blas::core_name();
  json["threads"] = thread_count();
  json[resumed ? "resumed" : "started"] = now();
  json["exit"] = "running";
  impl_->write();
}

Manifest::~Manifest() = default;

void Manifest::set(const std::string& key, const std::string& value) {
  impl_->json[key] = value;
  impl_->write();
}
void Manifest::set(const std::string& key, double value) {
  impl_->json[key] = value;
  impl_->write();
}
void Manifest::set(const std::string& key, std::int64_t value) {
  impl_->json[key] = value;
  impl_->write();
}

}  // namespace lowtide
